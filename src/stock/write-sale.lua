#!lua
--[[
Writes a sale into a lane that is being rebuilt, in place of what was there, without its buyers: those follow (write-buyers.lua).

KEYS[1]  lane    hash  {lane:L}:state
KEYS[2]  sale    hash  {lane:L}:sale:<saleId>
KEYS[3]  buyers  hash  {lane:L}:sale:<saleId>:buyers

ARGV[1]   guard token under which the lane was closed
ARGV[2]   run id of the Redis that was closed
ARGV[3]   total
ARGV[4]   available, total less the units of all buyers that follow (>= 0)
ARGV[5]   number of the last adjustment that is counted in the total, or that was refused
ARGV[6]   its version, 0, or 'refused'
ARGV[7]   config version
ARGV[8]   paused, 0 or 1
ARGV[9]   ended, 0 or 1
ARGV[10]  startsAtMs
ARGV[11]  endsAtMs
ARGV[12]  perUserLimit

Returns
  WRITTEN  the sale is there, and none of its buyers
  REFUSED  the lane is not closed, or under another token, or this is another Redis; nothing changed
]]
-- include is-being-rebuilt.lua
for i = 1, 12 do assert(ARGV[i], 'an argument is missing') end
assert(string.find(ARGV[4], '^%d+$'), 'available is not an integer >= 0')
if not is_being_rebuilt(KEYS[1], ARGV[1], ARGV[2]) then return 'REFUSED' end

redis.call('UNLINK', KEYS[2], KEYS[3])
redis.call('HSET', KEYS[2], 'total', ARGV[3], 'available', ARGV[4], 'adjustment', ARGV[5], 'adjustmentVersion', ARGV[6],
  'configVersion', ARGV[7], 'paused', ARGV[8], 'ended', ARGV[9], 'startsAtMs', ARGV[10], 'endsAtMs', ARGV[11],
  'perUserLimit', ARGV[12])
return 'WRITTEN'
