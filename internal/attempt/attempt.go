// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package attempt makes the names of purchases. An attempt is 128 random bits as
// text, which are also the secret part of the callback URL of the purchase.
package attempt

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// PathPrefix comes before the attempt in the path of every callback URL.
const PathPrefix = "/v1/callbacks/"

// An attempt is 16 bytes, as base64url without padding.
const (
	size   = 16
	length = 22
)

// New returns a new attempt, which differs from all others.
func New() string {
	var bits [size]byte
	_, _ = rand.Read(bits[:]) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(bits[:])
}

// Valid reports whether a text can be an attempt. There is one way to write each
// attempt: a text with padding, or with stray bits in its last character, is not
// valid.
func Valid(text string) bool {
	bits, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(text) == length && len(bits) == size
}

// URL returns the address that KIE.AI is given for an attempt, under the public
// base address of the callback server.
func URL(base, attempt string) string {
	return strings.TrimRight(base, "/") + PathPrefix + attempt
}

// FromPath returns the attempt in an escaped path. A path with escapes, or with
// more or fewer slashes, has none.
func FromPath(path string) (attempt string, ok bool) {
	attempt, ok = strings.CutPrefix(path, PathPrefix)
	if !ok || len(attempt) != length {
		return "", false
	}
	return attempt, Valid(attempt)
}
