#!lua
--[[
Puts an entry that was set aside on the stream again, byte for byte, once for each letter however often it is said: what is on
the stream again is remembered with its letter, also when nothing but the letter was left of it.

KEYS[1]  orders        stream  {lane:L}:orders
KEYS[2]  dead letters  stream  {lane:L}:dead-letters
KEYS[3]  replayed      hash    {lane:L}:replayed, letter -> id of the entry that was put on the stream

ARGV[1]   id of the letter
ARGV[2]   where it is among the dead letters, or ''
ARGV[3]   id under which it came on the stream, or '': there it stays until it is trimmed
ARGV[4…]  fields to put when it is in neither, name and value by turns; none when they are not known

Returns
  REPLAYED  it is on the stream again, and not among the dead letters any more
  ALREADY   it was before; nothing changed
  LOST      nothing is left of it; nothing changed
]]
local orders, dead_letters, replayed = KEYS[1], KEYS[2], KEYS[3]
local letter, set_aside, entry = ARGV[1], ARGV[2], ARGV[3]
if redis.call('HEXISTS', replayed, letter) == 1 then return 'ALREADY' end

local function fields_of(stream, id)
  local found = id ~= '' and redis.call('XRANGE', stream, id, id)[1]
  return found and found[2] or {}
end

local fields = { unpack(fields_of(dead_letters, set_aside), 5) } -- behind its reason and its id
if #fields == 0 then fields = fields_of(orders, entry) end
if #fields == 0 then
  for i = 4, #ARGV do fields[#fields + 1] = ARGV[i] end
end
if #fields == 0 then return 'LOST' end

redis.call('HSET', replayed, letter, redis.call('XADD', orders, '*', unpack(fields)))
if set_aside ~= '' then redis.call('XDEL', dead_letters, set_aside) end
return 'REPLAYED'
