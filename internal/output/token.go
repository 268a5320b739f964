package output

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Variables of a job's environment by which it can send output data over the API.
const (
	URLVar   = "MAESTRO_OUTPUT_URL"   // where to
	TokenVar = "MAESTRO_OUTPUT_TOKEN" // what proves that it is the job of its attempt
)

// Token returns the token of an attempt: its uuid, and what only those know who have the secret. Nothing of it needs to be
// stored, and it is the same after a restart.
func Token(secret []byte, attempt string) string {
	return attempt + "." + base64.RawURLEncoding.EncodeToString(seal(secret, attempt))
}

// TokenOf returns the attempt that a token is of, and whether it was made with the secret.
func TokenOf(secret []byte, token string) (attempt string, ok bool) {
	attempt, given, _ := strings.Cut(token, ".")
	sum, err := base64.RawURLEncoding.DecodeString(given)
	return attempt, err == nil && hmac.Equal(sum, seal(secret, attempt)) // in constant time
}

func seal(secret []byte, attempt string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("output data of attempt "))
	h.Write([]byte(attempt))
	return h.Sum(nil)
}
