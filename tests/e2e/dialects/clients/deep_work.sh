# Deep Work, as its documentation does it with curl.
set -euo pipefail
base=$1 key=$2
post() { curl -sS -X POST -H "Authorization: Bearer $key" -H 'Content-Type: application/json' "$@"; }
id=$(post "$base/api/deep-work/start" -d '{"description": "find out why racks fail"}' |
  sed -E 's/.*"project":\{"id":"([^"]+)".*/\1/')
post -o /dev/null -w '%{http_code}\n' "$base/api/deep-work/projects/$id/approve"
post -o /dev/null -w '%{http_code}\n' "$base/api/deep-work/projects/$id/cancel"
post "$base/api/deep-work/projects/$id/cancel"
