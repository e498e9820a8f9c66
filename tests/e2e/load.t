#!/bin/sh
# TAP: load with lines that are cut, for the sanitizers (make check-e2e SAN=thread); EVENTS=100000 for more. Run from the
# top folder.
exec timeout 3000 "${AFTERSYNC_BUILD:-build/release}/load"
