#!lua
--[[
Applies one adjustment of a sale's stock in one lane: raises the total, or lowers it by units that are free. Adjustments are
numbered, and each number is used once, by a refusal too: a repeated call is answered as the first one was.

KEYS[1]  lane  hash  {lane:L}:state
KEYS[2]  sale  hash  {lane:L}:sale:<saleId>

ARGV[1]  highest version that the calling process was ever answered for this lane, or 0
ARGV[2]  run id of the Redis that answered it, or ''
ARGV[3]  number of the adjustment (> 0)
ARGV[4]  units, positive or negative

Returns {outcome, run id, epoch, version}: of this Redis, of the lane, and of the adjustment or 0
  ADJUSTED     the total is changed, under this version; 0 when a rebuild had counted it as applied
  REFUSED      fewer units are free than it takes away; nothing changed
  OUTDATED     a later adjustment was applied: this one is long decided
  MISSING      an earlier adjustment is not known here, or the sale is not in this lane: a difference
  UNAVAILABLE  the lane is closed, or what the caller was answered is gone
]]
-- include read-lane.lua
local lane_key, sale_key = KEYS[1], KEYS[2]
local seen_version, seen_run_id = tonumber(ARGV[1]), ARGV[2]
local number = assert(tonumber(string.match(ARGV[3], '^[1-9]%d*$')), 'the number is not an integer > 0')
local units = assert(tonumber(string.match(ARGV[4], '^%-?[1-9]%d*$')), 'the units are not an integer')
assert(seen_version, 'the version is not a number')

local lane = read_lane(lane_key)

local function answer(outcome, version)
  return { outcome, lane.this_run_id, integer(lane.epoch or 0), version or '0' }
end

if has_lost(lane_key, lane, seen_version, seen_run_id) or not lane.is_open then return answer('UNAVAILABLE') end
local total, available, last, last_version =
  unpack(redis.call('HMGET', sale_key, 'total', 'available', 'adjustment', 'adjustmentVersion'))
if not total then return answer('MISSING') end
if number < tonumber(last) then return answer('OUTDATED') end
if number > last + 1 then return answer('MISSING') end
if number == tonumber(last) then
  if last_version == 'refused' then return answer('REFUSED') end
  return answer('ADJUSTED', last_version)
end

if available + units < 0 then
  redis.call('HSET', sale_key, 'adjustment', ARGV[3], 'adjustmentVersion', 'refused')
  return answer('REFUSED')
end
local version = integer(lane.version + 1)
redis.call('HSET', sale_key, 'total', integer(total + units), 'available', integer(available + units),
  'adjustment', ARGV[3], 'adjustmentVersion', version)
redis.call('HSET', lane_key, 'version', version)
return answer('ADJUSTED', version)
