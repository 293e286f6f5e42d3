// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Headers that carry the signature of a callback. KIE.AI sends them once a key
// is created in its settings.
const (
	// HeaderTimestamp is the time of sending in Unix seconds.
	HeaderTimestamp = "X-Webhook-Timestamp"
	// HeaderSignature is Sign over the task id and the timestamp.
	HeaderSignature = "X-Webhook-Signature"
)

// Sign returns the signature that KIE.AI puts on a callback: the base64 form of
// HMAC-SHA256 over "<task id>.<timestamp>", with the key's text as key bytes.
//
// It does not cover the body. Whoever has seen one signature can send any body
// with it for that task, which is why a callback is only a hint.
func Sign(key, taskID, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(taskID + "." + timestamp))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// VerifySignature reports whether the signature was made with one of the keys.
// It takes the same time for every signature of the same length.
func VerifySignature(keys []string, taskID, timestamp, signature string) bool {
	valid := false
	for _, key := range keys {
		if hmac.Equal([]byte(Sign(key, taskID, timestamp)), []byte(signature)) {
			valid = true
		}
	}
	return valid
}
