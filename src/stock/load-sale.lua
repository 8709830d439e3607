#!lua
--[[
Puts a sale on sale in one lane for the first time. One script looks and writes, so two loaders, or one that was paused,
can never reset the stock of a running sale.

KEYS[1]  lane  hash  {lane:L}:state
KEYS[2]  sale  hash  {lane:L}:sale:<saleId>

ARGV[1]  epoch in which the load was announced in Postgres
ARGV[2]  total, units of this lane (>= 0)
ARGV[3]  config version
ARGV[4]  paused, 0 or 1
ARGV[5]  ended, 0 or 1
ARGV[6]  startsAtMs
ARGV[7]  endsAtMs
ARGV[8]  perUserLimit

Returns
  LOADED       the sale is there now
  PRESENT      it was there already; nothing changed
  UNAVAILABLE  the lane is closed, or in another epoch; nothing changed
]]
-- include read-lane.lua
for i = 1, 8 do
  if not string.find(ARGV[i] or '', '^%d+$') then error('argument ' .. i .. ' is not an integer >= 0: ' .. tostring(ARGV[i])) end
end
local lane = read_lane(KEYS[1])
if not lane.is_open or lane.epoch ~= tonumber(ARGV[1]) then return 'UNAVAILABLE' end
if redis.call('EXISTS', KEYS[2]) == 1 then return 'PRESENT' end

redis.call('HSET', KEYS[2], 'total', ARGV[2], 'available', ARGV[2], 'adjustment', 0, 'adjustmentVersion', 0, 'configVersion', ARGV[3],
  'paused', ARGV[4], 'ended', ARGV[5], 'startsAtMs', ARGV[6], 'endsAtMs', ARGV[7], 'perUserLimit', ARGV[8])
return 'LOADED'
