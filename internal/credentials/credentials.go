// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package credentials reads the keys of KieAccounts from their Secrets and
// remembers them for a short while.
//
// Secrets are neither listed nor watched, so that the operator needs no more
// than get on them.
package credentials

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Credentials are the keys of one account. They print and encode as a note
// that says how many there are, so that a log line or an error with one in it
// gives nothing away.
type Credentials struct {
	// APIKey is sent to KIE.AI with every request.
	APIKey string
	// WebhookKeys are the keys that callbacks may be signed with: the current one, then the one before. There
	// are none where KIE.AI does not sign.
	WebhookKeys []string
}

// String leaves the keys out.
func (c Credentials) String() string {
	apiKey := "no API key"
	if c.APIKey != "" {
		apiKey = "an API key"
	}
	return fmt.Sprintf("%s and %d webhook keys (redacted)", apiKey, len(c.WebhookKeys))
}

// GoString leaves the keys out.
func (c Credentials) GoString() string { return "credentials.Credentials{" + c.String() + "}" }

// Format leaves the keys out for every verb, also those that pass String by.
func (c Credentials) Format(state fmt.State, verb rune) {
	text := c.String()
	if verb == 'v' && state.Flag('#') {
		text = c.GoString()
	}
	_, _ = fmt.Fprint(state, text) // a fmt.State does not fail
}

// LogValue leaves the keys out.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON leaves the keys out. Nothing reads Credentials from JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
