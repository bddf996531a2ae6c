#!/bin/sh
# Runs a command in Paddock's fence and says in one line what came of it: sh ci/fenced.sh make test
#
# The reports go to the folder paddock-reports: paddock.json for programs, paddock.xml for dashboards. $PADDOCK_OPTIONS is for further options of
# `paddock run`, separated by spaces. Keep this file out of reach of what runs in the fence (--deny-write ./ci): it runs outside.
set -u
reports=paddock-reports
if [ -L "$reports" ]; then
    echo "fenced: $reports is a link, which an earlier command may have planted" >&2
    exit 125
fi
mkdir -p "$reports"

# Paddock writes the reports; the command cannot put others in their place.
# shellcheck disable=SC2086 # several options are several words
paddock run ${PADDOCK_OPTIONS:-} --deny-write "./$reports" --fail-on-violation --fail-on-planted \
    --json "$reports/paddock.json" --junit "$reports/paddock.xml" -- "$@"
code=$?

# A command can end with any code, 13 included; whose code it was stands in the report.
cause=$(sed -n 's/^  "cause": "\([a-z]*\)",$/\1/p' "$reports/paddock.json")
case $cause in
    command) [ "$code" = 0 ] && what="passed, and nothing was refused" || what="FAILED by itself with exit code $code" ;;
    violation) what="passed, but tried something that the policy refuses: see the list above" ;;
    planted) what="passed, but left files that something outside may run later: see the list above" ;;
    timeout | limit) what="was ended by a limit of the policy" ;;
    signal) what="was cancelled" ;;
    *) what="did not start (exit code $code): see the reason above; \`paddock doctor\` tries each step" ;;
esac
printf 'fenced: %s: %s\n' "$*" "$what" >&2
exit "$code"
