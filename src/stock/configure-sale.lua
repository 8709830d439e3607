#!lua
--[[
Brings the configuration of a loaded sale up to date in one lane, never back: calls may arrive late and out of order.

KEYS[1]  lane  hash  {lane:L}:state
KEYS[2]  sale  hash  {lane:L}:sale:<saleId>

ARGV[1]  config version
ARGV[2]  paused, 0 or 1
ARGV[3]  ended, 0 or 1
ARGV[4]  startsAtMs
ARGV[5]  endsAtMs
ARGV[6]  perUserLimit

Returns
  CONFIGURED   this configuration is in force
  OUTDATED     a configuration as new or newer is in force; nothing changed
  MISSING      the sale is not in this lane; nothing changed
  UNAVAILABLE  the lane is closed; nothing changed
]]
-- include read-lane.lua
for i = 1, 6 do
  if not string.find(ARGV[i] or '', '^%d+$') then error('argument ' .. i .. ' is not an integer >= 0: ' .. tostring(ARGV[i])) end
end
if not read_lane(KEYS[1]).is_open then return 'UNAVAILABLE' end
local in_force = redis.call('HGET', KEYS[2], 'configVersion')
if not in_force then return 'MISSING' end
if tonumber(in_force) >= tonumber(ARGV[1]) then return 'OUTDATED' end

redis.call('HSET', KEYS[2], 'configVersion', ARGV[1], 'paused', ARGV[2], 'ended', ARGV[3],
  'startsAtMs', ARGV[4], 'endsAtMs', ARGV[5], 'perUserLimit', ARGV[6])
return 'CONFIGURED'
