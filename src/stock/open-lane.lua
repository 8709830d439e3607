#!lua
--[[
Opens a closed lane at the start of a new epoch, with nothing decided in it yet.

KEYS[1]  lane  hash  {lane:L}:state

ARGV[1]  guard token under which it was closed
ARGV[2]  epoch
ARGV[3]  version at which the epoch starts, epoch x 10^12
ARGV[4]  run id on which the guard verified it

Returns
  OPENED   the lane decides again
  REFUSED  it is gone, not closed, closed under another token, or this is another Redis; nothing changed
]]
local state, token = unpack(redis.call('HMGET', KEYS[1], 'state', 'guardToken'))
local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if state ~= 'closed' or token ~= ARGV[1] or this_run_id ~= ARGV[4] then return 'REFUSED' end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'open', 'epoch', ARGV[2], 'runId', this_run_id, 'version', ARGV[3], 'recorded', 0,
  'guardToken', token)
return 'OPENED'
