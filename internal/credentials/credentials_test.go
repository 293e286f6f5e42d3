// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/kie-operator/kie-operator/internal/credentials"
)

func TestCredentialsKeepTheirKeys(t *testing.T) {
	const canary = "canary"
	keys := credentials.Credentials{APIKey: canary + "1", WebhookKeys: []string{canary + "2", canary + "3"}}
	var printed bytes.Buffer
	for _, value := range []any{keys, &keys, []credentials.Credentials{keys}, struct{ Keys credentials.Credentials }{keys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&printed, verb+"\n", value)
		}
		if err := json.NewEncoder(&printed).Encode(value); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewTextHandler(&printed, nil)).Info("text", "keys", value)
		slog.New(slog.NewJSONHandler(&printed, nil)).Info("json", "keys", value)
		funcr.New(func(prefix, args string) { printed.WriteString(prefix + args + "\n") }, funcr.Options{}).Info("logr", "keys", value)
	}
	printed.WriteString(fmt.Errorf("with %w and %v", errors.New("an error"), keys).Error())
	if strings.Contains(printed.String(), canary) || strings.Contains(printed.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("a key got out:\n%s", printed.String())
	}
	if want := "an API key and 2 webhook keys (redacted)"; keys.String() != want {
		t.Errorf("String() = %q, want %q", keys.String(), want)
	}
}
