#!lua
--[[
Writes some buyers of a sale into a lane that is being rebuilt. Each buyer is written once and whole.

KEYS[1]  lane    hash  {lane:L}:state
KEYS[2]  buyers  hash  {lane:L}:sale:<saleId>:buyers

ARGV[1]   guard token under which the lane was closed
ARGV[2]   run id of the Redis that was closed
ARGV[3…]  buyer, record (see reserve-stock.lua); the same two for each buyer

Returns
  WRITTEN  they are there
  REFUSED  the lane is not closed, or under another token, or this is another Redis; nothing changed
]]
-- include is-being-rebuilt.lua
local BATCH = 1000 -- arguments to one command; Lua's stack holds 8,000
if not is_being_rebuilt(KEYS[1], ARGV[1], ARGV[2]) then return 'REFUSED' end

for first = 3, #ARGV, BATCH do
  redis.call('HSET', KEYS[2], unpack(ARGV, first, math.min(first + BATCH - 1, #ARGV)))
end
return 'WRITTEN'
