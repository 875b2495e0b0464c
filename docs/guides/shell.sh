# What the guides' samples share. Source it in bash, with API set where the service is not here.
export API=${API:-http://127.0.0.1:8000}

# A member of the JSON that comes in: `field id`.
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# Sign in as a demo account of the sandbox: `sign_in investigator-nn`.
sign_in() {
  export TOKEN=$(curl -s "$API/v1/oauth/token" -d grant_type=password \
    -d "username=$1" -d password=sandbox-only | field access_token)
}

# A call with the token: `call POST /v1/subjects -d '{…}'`.
call() {
  curl -s -X "$1" "$API$2" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' "${@:3}"
}

# A fresh key for a POST: `call POST … -H "$(key)"`.
key() { echo "Idempotency-Key: $(python3 -c 'import uuid; print(uuid.uuid4())')"; }

# The clinical date in the sandbox, some days on: `day 10`.
day() {
  curl -s "$API/sandbox/clock" | python3 -c 'import json, sys
from datetime import date, timedelta
print(date.fromisoformat(json.load(sys.stdin)["today"]) + timedelta(int(sys.argv[1])))' "${1:-0}"
}
