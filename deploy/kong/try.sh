#!/bin/sh
# Makes what a first try of Holdfast on Kong needs, in a folder: certificates, a key in
# the place of an authorization server's, a token that is bound to the owner's
# certificate, and the files of this folder made ready for it. It needs openssl (1.1.1)
# and GNU coreutils (8.31, for basenc). Usage: deploy/kong/try.sh FOLDER [MINUTES]
set -eu

here=$(dirname "$0")
dir=${1:?usage: try.sh FOLDER [MINUTES]}
minutes=${2:-60}
mkdir -p "$dir/wasm"

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }

# Certificates: the server's, the owner's of the token, and a thief's.
for name in server owner thief; do
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=$name" -addext "subjectAltName=DNS:api.example.com" \
    -keyout "$dir/$name-key.pem" -out "$dir/$name.pem" 2>/dev/null
done
chmod a+r "$dir/server-key.pem" # Kong's workers are another user

# The authorization server's key, and what of it is public (RFC 7517).
openssl genrsa -out "$dir/as-key.pem" 2048 2>/dev/null
n=$(openssl rsa -in "$dir/as-key.pem" -noout -modulus | cut -d= -f2 | basenc --base16 -d | base64url)

# The token: RFC 9068, bound to the owner's certificate (RFC 8705 §3.1).
x5t=$(openssl x509 -in "$dir/owner.pem" -outform DER | openssl dgst -sha256 -binary | base64url)
now=$(date +%s)
header=$(printf '{"alg":"RS256","typ":"at+jwt","kid":"try"}' | base64url)
claims=$(printf '{"iss":"https://as.example.com","aud":"https://api.example.com","sub":"owner","iat":%s,"exp":%s,"cnf":{"x5t#S256":"%s"}}' \
  "$now" "$((now + minutes * 60))" "$x5t" | base64url)
signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign "$dir/as-key.pem" -binary | base64url)
printf '%s.%s.%s\n' "$header" "$claims" "$signature" > "$dir/token"

# Kong's files: the key stands in the configuration, and the upstream is this machine.
# (Quoted: to YAML 1.1 a bare n is "false".)
jwks=$(printf 'jwks: {"inline": {"keys": [{"kty": "RSA", "alg": "RS256", "kid": "try", "e": "AQAB", "n": "%s"}]}}' "$n")
sed -e "s|jwks: {uri: .*|$jwks|" -e 's|http://upstream.internal:9000|http://127.0.0.1:9000|' "$here/kong.yml" > "$dir/kong.yml"
cp "$here/kong.conf" "$dir/kong.conf"
cp "$here/holdfast.meta.json" "$dir/wasm/"
echo "$dir is ready: put holdfast.wasm into $dir/wasm"
