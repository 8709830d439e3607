#!lua
--[[
Forgets stored entries that are older or more than is kept. Never passes the oldest entry that is unread or pending.

KEYS[1]  orders  stream  {lane:L}:orders

ARGV[1]  group
ARGV[2]  keep what is younger than this, in ms
ARGV[3]  keep at most this many entries

Returns how many entries were forgotten. Trims whole nodes of the stream (100 entries by default), so it may keep a few more.
]]
local function is_before(a, b) -- stream ids: <ms>-<sequence>
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  a_ms, b_ms = tonumber(a_ms), tonumber(b_ms)
  return a_ms < b_ms or (a_ms == b_ms and tonumber(a_seq) < tonumber(b_seq))
end

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local safe -- everything before this id is stored
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local name, last_delivered
  for i = 1, #group, 2 do
    if group[i] == 'name' then name = group[i + 1] end
    if group[i] == 'last-delivered-id' then last_delivered = group[i + 1] end
  end
  if name == ARGV[1] then safe = last_delivered end
end
if not safe then return 0 end
local oldest_pending = redis.call('XPENDING', KEYS[1], ARGV[1])[2]
if oldest_pending and is_before(oldest_pending, safe) then safe = oldest_pending end

local time = redis.call('TIME')
local too_old = string.format('%.0f-0', time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[2])
local forgotten = redis.call('XTRIM', KEYS[1], 'MINID', '~', is_before(too_old, safe) and too_old or safe)
local too_many = redis.call('XLEN', KEYS[1]) - ARGV[3]
if too_many > 0 then forgotten = forgotten + redis.call('XTRIM', KEYS[1], 'MINID', '~', safe, 'LIMIT', too_many) end
return forgotten
