#!lua
--[[
Decides many requests of one sale in one lane, one after another: takes the units and puts
the order on the stream, or refuses. One script does both, so no crash can leave units
taken that no stream entry accounts for.

KEYS[1]  lane    hash    {lane:L}:state
KEYS[2]  sale    hash    {lane:L}:sale:<saleId>
KEYS[3]  buyers  hash    {lane:L}:sale:<saleId>:buyers    buyer -> '<held>;' then '<key> <order id> <units> <held|release version> <version> <decidedAtMs>;' for each order
KEYS[4]  orders  stream  {lane:L}:orders

ARGV[1]   sale id
ARGV[2]   highest version that the calling process was ever answered for this lane, or 0
ARGV[3]   run id of the Redis that answered it, or ''
ARGV[4]   decisions that may be made and not recorded: beyond, nothing more is accepted
ARGV[5…]  order id, buyer, idempotency key, units (1 to 999); the same four for each request

Returns {run id, version of the lane} and then, in the order of the requests, {outcome}, or for
ACCEPTED and REPEATED {outcome, order id, version, decidedAtMs}
  ACCEPTED       units taken, order on the stream
  REPEATED       this key was accepted before, with the same units; nothing changed
  KEY_REUSED     this key was accepted before, with other units
  PAUSED         the sale is halted for now
  NOT_STARTED    before its window, by the clock of Redis
  ENDED          after its window, or ended by hand
  LIMIT_REACHED  the buyer would hold more than the limit, or has had ORDERS_MAX orders
  SOLD_OUT       fewer units left than wanted
  OVERLOADED     would be accepted, but too many decisions wait to be recorded
  UNAVAILABLE    the lane is closed, what the caller was answered is gone, or the sale is not in it
]]
-- include read-lane.lua
local ORDERS_MAX = 20 -- per buyer and sale: bounds what one buyer can make this script read
local lane_key, sale_key, buyers, orders = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sale_id, seen_version, seen_run_id, backlog_max = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local VERSIONS_PER_EPOCH = 1000000000000

local function hex(digits) return string.rep('[0-9a-f]', digits) end
local UUID = '^' .. table.concat({ hex(8), hex(4), hex(4), hex(4), hex(12) }, '%-') .. '$'
local LENGTH_MAX = 64

-- Exactly as strict as decodeOrder (accepted-order.ts): an accepted order that cannot be read again would be lost.
local function valid(value, pattern, what)
  if not value or #value > LENGTH_MAX or not string.find(value, pattern) then
    error(what .. ' is malformed: ' .. tostring(value))
  end
  return value
end

valid(sale_id, UUID, 'sale id')
local requests = {}
for i = 5, #ARGV, 4 do
  requests[#requests + 1] = {
    id = valid(ARGV[i], UUID, 'order id'),
    buyer = valid(ARGV[i + 1], '^[%w._:@|-]+$', 'buyer'),
    key = valid(ARGV[i + 2], '^[%w._-]+$', 'idempotency key'),
    units = tonumber(valid(ARGV[i + 3], '^[1-9]%d?%d?$', 'units')),
  }
end

local lane = read_lane(lane_key)
local replies = { { lane.this_run_id, lane.version and integer(lane.version) or '0' } }

local function unavailable()
  for i = 1, #requests do replies[i + 1] = { 'UNAVAILABLE' } end
  return replies
end

if has_lost(lane_key, lane, seen_version, seen_run_id) then return unavailable() end
if not lane.is_open then return unavailable() end

local available, paused, ended, starts_at, ends_at, per_user =
  unpack(redis.call('HMGET', sale_key, 'available', 'paused', 'ended', 'startsAtMs', 'endsAtMs', 'perUserLimit'))
if not available then return unavailable() end
available, per_user = tonumber(available), tonumber(per_user)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local decided_at = integer(now)
local refused_because = (ended == '1' and 'ENDED') or (paused == '1' and 'PAUSED')
  or (now < tonumber(starts_at) and 'NOT_STARTED') or (now >= tonumber(ends_at) and 'ENDED')

local function repeated(record, position, request)
  local id, units, version, at = string.match(record, '^;%S+ (%S+) (%d+) %S+ (%d+) (%d+);', position)
  if tonumber(units) ~= request.units then return { 'KEY_REUSED' } end
  return { 'REPEATED', id, version, at }
end

local version = lane.version
local version_max = lane.epoch * VERSIONS_PER_EPOCH + lane.recorded + backlog_max

local function accept(request, held, rest)
  available, version = available - request.units, version + 1
  local its_version = integer(version)
  redis.call('HSET', buyers, request.buyer, integer(held + request.units) .. rest
    .. table.concat({ request.key, request.id, request.units, 'held', its_version, decided_at }, ' ') .. ';')
  redis.call('XADD', orders, '*', 'v', 1, 'order', request.id, 'sale', sale_id, 'buyer', request.buyer,
    'key', request.key, 'units', request.units, 'version', its_version, 'at', decided_at)
  return { 'ACCEPTED', request.id, its_version, decided_at }
end

local function decide(request)
  local record = redis.call('HGET', buyers, request.buyer) or '0;'
  local earlier = string.find(record, ';' .. request.key .. ' ', 1, true)
  if earlier then return repeated(record, earlier, request) end -- even when the sale is over: the order exists
  if refused_because then return { refused_because } end

  local held, rest = string.match(record, '^(%d+)(;.*)$')
  local _, semicolons = string.gsub(rest, ';', '')
  if held + request.units > per_user or semicolons - 1 >= ORDERS_MAX then return { 'LIMIT_REACHED' } end
  if available < request.units then return { 'SOLD_OUT' } end
  if version >= version_max then return { 'OVERLOADED' } end
  return accept(request, held, rest)
end

for i = 1, #requests do replies[i + 1] = decide(requests[i]) end
if version > lane.version then
  redis.call('HSET', sale_key, 'available', integer(available))
  redis.call('HSET', lane_key, 'version', integer(version))
  replies[1][2] = integer(version)
end
return replies
