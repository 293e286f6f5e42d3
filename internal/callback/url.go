// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"encoding/base64"
	"strings"
)

// pathPrefix comes before the attempt in the path of every callback URL.
const pathPrefix = "/v1/callbacks/"

// Size of an attempt: 128 random bits, and the length of their base64url form
// without padding.
const (
	attemptBytes  = 16
	attemptLength = 22
)

// URL returns the address that KIE.AI is given for an attempt, under the public
// base address of the callback server.
func URL(base, attempt string) string {
	return strings.TrimRight(base, "/") + pathPrefix + attempt
}

// attemptFromPath returns the attempt in an escaped path. There is one way to
// write an attempt: a path with escapes, with more or fewer slashes, or with
// stray bits in the last character has none.
func attemptFromPath(path string) (string, bool) {
	attempt, ok := strings.CutPrefix(path, pathPrefix)
	if !ok || len(attempt) != attemptLength {
		return "", false
	}
	bits, err := base64.RawURLEncoding.Strict().DecodeString(attempt)
	return attempt, err == nil && len(bits) == attemptBytes
}
