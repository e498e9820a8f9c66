#!/bin/sh
# TAP: SIGKILL at random moments of running programs; KILLS=200 for more, SEED= for the same again. Run from the top folder.
exec timeout 1800 "${AFTERSYNC_BUILD:-build/release}/kills"
