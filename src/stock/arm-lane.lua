#!lua
--[[
Lets a lane decide again after its Redis came back with the data it had: takes the new run id over, and notes at which
version the old one ended, so that a process which was answered more than that notices.

KEYS[1]  lane  hash  {lane:L}:state

ARGV[1]  guard token
ARGV[2]  epoch that was compared with Postgres
ARGV[3]  version that was compared with Postgres
ARGV[4]  run id that Postgres has taken over

Returns
  ARMED    the lane decides again
  REFUSED  it is not what was compared, a loss is noted, a newer guard was here, or this is another Redis; nothing changed
]]
local state, epoch, run_id, version, lost, newest =
  unpack(redis.call('HMGET', KEYS[1], 'state', 'epoch', 'runId', 'version', 'lost', 'guardToken'))
local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if state ~= 'open' or epoch ~= ARGV[2] or version ~= ARGV[3] or lost or this_run_id ~= ARGV[4] then return 'REFUSED' end
if (tonumber(newest) or 0) > tonumber(ARGV[1]) then return 'REFUSED' end

if run_id ~= this_run_id then redis.call('HSET', KEYS[1], 'end:' .. run_id, version) end
redis.call('HSET', KEYS[1], 'runId', this_run_id, 'guardToken', ARGV[1])
return 'ARMED'
