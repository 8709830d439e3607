#!lua
--[[
Opens a closed lane at the start of a new epoch. What the guard has given back by rebuilding the lane is decided in it already.

KEYS[1]  lane  hash  {lane:L}:state

ARGV[1]  guard token under which it was closed
ARGV[2]  run id of the Redis that was closed
ARGV[3]  epoch
ARGV[4]  version: epoch x 10^12, plus the decisions of this epoch so far
ARGV[5]  decisions of this epoch so far; Postgres has recorded them

Returns
  OPENED   the lane decides again
  REFUSED  it is gone, not closed, closed under another token, or this is another Redis; nothing changed
]]
-- include is-being-rebuilt.lua
if not is_being_rebuilt(KEYS[1], ARGV[1], ARGV[2]) then return 'REFUSED' end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'open', 'epoch', ARGV[3], 'runId', ARGV[2], 'version', ARGV[4], 'recorded', ARGV[5],
  'guardToken', ARGV[1])
return 'OPENED'
