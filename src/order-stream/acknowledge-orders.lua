#!lua
--[[
Strikes stored entries off, and notes how far Postgres has recorded the lane's decisions.

KEYS[1]  orders  stream  {lane:L}:orders
KEYS[2]  lane    hash    {lane:L}:state

ARGV[1]   group
ARGV[2]   epoch under which they were stored
ARGV[3]   decisions of that epoch that Postgres has recorded (>= 0)
ARGV[4…]  entry ids

Returns how many entries were still pending. `recorded` is raised only while the lane is in that epoch, and never lowered:
acknowledgements of two workers may arrive in either order.
]]
local BATCH = 1000 -- arguments to one command; Lua's stack holds 8,000
local acknowledged = 0
for first = 4, #ARGV, BATCH do
  local last = math.min(first + BATCH - 1, #ARGV)
  acknowledged = acknowledged + redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, first, last))
end
local epoch, recorded = unpack(redis.call('HMGET', KEYS[2], 'epoch', 'recorded'))
if epoch == ARGV[2] and tonumber(recorded) < tonumber(ARGV[3]) then redis.call('HSET', KEYS[2], 'recorded', ARGV[3]) end
return acknowledged
