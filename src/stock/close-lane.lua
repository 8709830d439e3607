#!lua
--[[
Closes a lane under the token of a guard: from here on every script refuses, and no older guard can open it. A missing
hash is written as closed, so that "nothing there" and "being rebuilt" cannot be confused.

KEYS[1]  lane  hash  {lane:L}:state

ARGV[1]  guard token (> 0)
ARGV[2]  why, one line for the operator

Returns {outcome, run id of this Redis}
  CLOSED       the lane is closed under this token
  STALE_TOKEN  a newer guard was here; nothing changed
]]
local token = assert(tonumber(string.match(ARGV[1], '^[1-9]%d*$')), 'the token is not an integer > 0')
local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local newest = tonumber(redis.call('HGET', KEYS[1], 'guardToken')) or 0
if newest > token then return { 'STALE_TOKEN', this_run_id } end

redis.call('HSET', KEYS[1], 'state', 'closed', 'guardToken', ARGV[1], 'closedBecause', ARGV[2])
return { 'CLOSED', this_run_id }
