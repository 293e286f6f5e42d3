// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/kie-operator/kie-operator/internal/kie"
)

const (
	vectorKey       = "kie_test_hmac_key_0001"
	vectorTaskID    = "5a1f0c3e9b7d48e2a6c4f80b1d2e3a47"
	vectorTimestamp = "1769670760"
	vectorSignature = "I1jGWZk5O494mK6ifZCsUu4UBQ0WBn/02oTc8X1dccM="
)

// The vectors were computed with other implementations of HMAC-SHA256.
func TestSignVectors(t *testing.T) {
	for _, tc := range []struct {
		reason, key, taskID, timestamp, want string
	}{
		{"an id as in the documentation", vectorKey, "veo_task_abcdef123456", vectorTimestamp, "riaAENH+AysanSrZHpeZdOTAhh2/i7RNqcjpTstXE+w="},
		{"an id as in real life", vectorKey, vectorTaskID, vectorTimestamp, vectorSignature},
		{"a second later", vectorKey, vectorTaskID, "1769670761", "n0GKalm4tZeoxKSffnX2F4dNwC3TtGm7o55ZDne2IlA="},
		{"a key that looks like hex is used as text", "9f86d081884c7d659a2feaa0c55ad015", vectorTaskID, vectorTimestamp, "BtxUW4XVlLSLj4XlNQXcDpkN2OiwJ1t5KF9C/37D1XM="},
		{"a key beyond ASCII is used as UTF-8", "cl\u00e9-\u00e9t\u00e9", "veo_extend_task_xyz789", vectorTimestamp, "0rjnlVAgkgGIw2X1jX880niLZM8Ove7uAEYW7YsErio="},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			if got := kie.Sign(tc.key, tc.taskID, tc.timestamp); got != tc.want {
				t.Errorf("Sign() = %q, want %q", got, tc.want)
			}
			if !kie.VerifySignature([]string{tc.key}, tc.taskID, tc.timestamp, tc.want) {
				t.Error("VerifySignature() = false for a signature that is right")
			}
		})
	}
}

func TestVerifySignatureRejects(t *testing.T) {
	decodedKey, err := hex.DecodeString("9f86d081884c7d659a2feaa0c55ad015")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		reason, signature string
		keys              []string
	}{
		{"hex instead of base64", "2358c65999393b8f7898aea27d90ac52ee14050d16067ff4da84dcf17d5d71c3", nil},
		{"a timestamp in milliseconds", "E9G+4ji+LRjBsJrfXET3PdvAD+TfAL+K5jo67q63jWA=", nil},
		{"no dot", "BJlfUdhccm871cyZYlZjkC6EOrD7lL7lj4kVNALmouc=", nil},
		{"the parts swapped", "oP/CF/Z8o1jWKRkXKaW1l9NyVh/yJZHZAUQYZUuVM8A=", nil},
		{"the id in upper case", "HXZDTZ5DkHviu8bGTfsdReSmtHraVFZkYqcezNgwaY8=", nil},
		{"the key decoded from hex", "PG14dm7D+xGebNhe4gGA16qn8m2ex4vVNTq/x38Eluo=", []string{"9f86d081884c7d659a2feaa0c55ad015"}},
		{"the signature of another task", "riaAENH+AysanSrZHpeZdOTAhh2/i7RNqcjpTstXE+w=", nil},
		{"the signature of another second", "n0GKalm4tZeoxKSffnX2F4dNwC3TtGm7o55ZDne2IlA=", nil},
		{"another key", vectorSignature, []string{"kie_test_hmac_key_0002"}},
		{"a key that is right once it is decoded", vectorSignature, []string{string(decodedKey)}},
		{"no padding", "I1jGWZk5O494mK6ifZCsUu4UBQ0WBn/02oTc8X1dccM", nil},
		{"the URL alphabet", "I1jGWZk5O494mK6ifZCsUu4UBQ0WBn_02oTc8X1dccM=", nil},
		{"a space behind it", vectorSignature + " ", nil},
		{"only the beginning", vectorSignature[:10], nil},
		{"an empty signature", "", nil},
		{"no key at all", vectorSignature, []string{}},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			keys := tc.keys
			if keys == nil {
				keys = []string{vectorKey}
			}
			if kie.VerifySignature(keys, vectorTaskID, vectorTimestamp, tc.signature) {
				t.Error("VerifySignature() = true")
			}
		})
	}
}

func TestVerifySignatureTriesEveryKey(t *testing.T) {
	for _, keys := range [][]string{
		{vectorKey, "kie_test_hmac_key_0002"},
		{"kie_test_hmac_key_0002", vectorKey},
		{"kie_test_hmac_key_0002", "kie_test_hmac_key_0003", vectorKey},
	} {
		if !kie.VerifySignature(keys, vectorTaskID, vectorTimestamp, vectorSignature) {
			t.Errorf("VerifySignature(%q) = false", keys)
		}
	}
}

func FuzzVerifySignature(f *testing.F) {
	f.Add(vectorKey, vectorTaskID, vectorTimestamp, vectorSignature)
	f.Add("", "", "", "")
	f.Fuzz(func(t *testing.T, key, taskID, timestamp, signature string) {
		right := kie.Sign(key, taskID, timestamp)
		if raw, err := base64.StdEncoding.DecodeString(right); err != nil || len(raw) != 32 {
			t.Fatalf("Sign() = %q, which is not the base64 form of 32 bytes", right)
		}
		if got := kie.VerifySignature([]string{key}, taskID, timestamp, signature); got != (signature == right) {
			t.Fatalf("VerifySignature() = %v for %q, right is %q", got, signature, right)
		}
	})
}
