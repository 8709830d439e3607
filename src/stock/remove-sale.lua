#!lua
--[[
Takes a sealed sale out of one lane: from now on what is known of it is known from Postgres alone. Nothing goes while Redis
holds other units than Postgres: they would be the only trace of an order.

KEYS[1]  lane    hash  {lane:L}:state
KEYS[2]  sale    hash  {lane:L}:sale:<saleId>
KEYS[3]  buyers  hash  {lane:L}:sale:<saleId>:buyers

ARGV[1]  units that are held on record

Returns {outcome, run id, epoch}
  REMOVED      the sale is not in the lane any more, or was not before
  DIFFERENT    other units are held here, or the sale is not ended; nothing changed
  UNAVAILABLE  the lane is closed; nothing changed
]]
-- include read-lane.lua
if not string.find(ARGV[1] or '', '^%d+$') then error('argument 1 is not an integer >= 0: ' .. tostring(ARGV[1])) end
local lane = read_lane(KEYS[1])
local function answer(outcome) return { outcome, lane.this_run_id, lane.epoch and integer(lane.epoch) or '0' } end
if not lane.is_open then return answer('UNAVAILABLE') end

local total, available, ended = unpack(redis.call('HMGET', KEYS[2], 'total', 'available', 'ended'))
if total and (ended ~= '1' or total - available ~= tonumber(ARGV[1])) then return answer('DIFFERENT') end
redis.call('UNLINK', KEYS[2], KEYS[3])
return answer('REMOVED')
