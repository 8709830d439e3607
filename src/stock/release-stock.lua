#!lua
--[[
Gives the units of finished, unpaid orders of one sale and lane back: they are on sale again. Saying it again changes nothing,
for a release is kept with its order.

KEYS[1]  lane    hash  {lane:L}:state
KEYS[2]  sale    hash  {lane:L}:sale:<saleId>
KEYS[3]  buyers  hash  {lane:L}:sale:<saleId>:buyers

ARGV[1]   highest version that the calling process was ever answered for this lane, or 0
ARGV[2]   run id of the Redis that answered it, or ''
ARGV[3…]  buyer, order id; the same two for each order

Returns {run id, version of the lane, epoch, recorded} and then, in the order of the orders, {outcome}, or for
RELEASED and ALREADY {outcome, version of the release}
  RELEASED     the units are on sale
  ALREADY      they were released before; nothing changed
  MISSING      the lane does not know this order: a difference, and never success
  UNAVAILABLE  the lane is closed, what the caller was answered is gone, or the sale is not in it
]]
-- include read-lane.lua
local lane_key, sale_key, buyers = KEYS[1], KEYS[2], KEYS[3]
local seen_version, seen_run_id = tonumber(ARGV[1]), ARGV[2]
if not seen_version or #ARGV % 2 ~= 0 then error('an argument is missing') end

local orders = {}
for i = 3, #ARGV, 2 do
  if not string.find(ARGV[i + 1], '^[%x-]+$') or #ARGV[i + 1] ~= 36 then error('order id is malformed: ' .. ARGV[i + 1]) end
  orders[#orders + 1] = { buyer = ARGV[i], id = ARGV[i + 1] }
end

local lane = read_lane(lane_key)
local recorded = tonumber(redis.call('HGET', lane_key, 'recorded'))
local replies = { { lane.this_run_id, lane.version and integer(lane.version) or '0', lane.epoch or 0, recorded or 0 } }
local lost = has_lost(lane_key, lane, seen_version, seen_run_id)
local available = not lost and lane.is_open and tonumber(redis.call('HGET', sale_key, 'available'))
if not available then
  for i = 1, #orders do replies[i + 1] = { 'UNAVAILABLE' } end
  return replies
end

local version = lane.version

local function release(order)
  local record = redis.call('HGET', buyers, order.buyer) or ''
  local id = string.gsub(order.id, '%-', '%%-')
  local first, last, units, mark = string.find(record, ' ' .. id .. ' (%d+) (%S+) %d+ %d+;')
  if not first then return { 'MISSING' } end
  if mark ~= 'held' then return { 'ALREADY', mark } end

  available, version = available + units, version + 1
  local its_version = integer(version)
  local marked = string.gsub(string.sub(record, first, last), ' held ', ' ' .. its_version .. ' ')
  local held, before = string.match(string.sub(record, 1, first - 1), '^(%d+)(;.*)$')
  redis.call('HSET', buyers, order.buyer, integer(held - units) .. before .. marked .. string.sub(record, last + 1))
  return { 'RELEASED', its_version }
end

for i = 1, #orders do replies[i + 1] = release(orders[i]) end
if version > lane.version then
  redis.call('HSET', sale_key, 'available', integer(available))
  redis.call('HSET', lane_key, 'version', integer(version))
  replies[1][2] = integer(version)
end
return replies
