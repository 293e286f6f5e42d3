// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/testenv"
)

// controlPlane has the real API server of these tests.
var controlPlane testenv.Shared

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	code := m.Run()
	if err := controlPlane.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func newClient(t *testing.T, config *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(config, client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newNamespace(t *testing.T, c client.Client) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "credentials-"}}
	if err := c.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

func TestFromSecret(t *testing.T) {
	config, err := controlPlane.Config()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, config)
	name := types.NamespacedName{Namespace: newNamespace(t, c), Name: "kie-credentials"}

	stranger := rest.CopyConfig(config)
	stranger.Impersonate = rest.ImpersonationConfig{UserName: "stranger"}
	unreachable := rest.CopyConfig(config)
	unreachable.Host = "127.0.0.1:1"

	wantError := func(c client.Client, reason, phrase string) {
		t.Helper()
		_, err := fromSecret(t.Context(), c, name)
		var got *Error
		if !errors.As(err, &got) || got.Reason != reason || !strings.Contains(err.Error(), phrase) || !strings.Contains(err.Error(), name.String()) {
			t.Errorf("fromSecret() error = %v, want %s with %q in it", err, reason, phrase)
		}
	}
	wantError(c, SecretNotFound, "create it with the key apiKey")
	wantError(newClient(t, stranger), SecretForbidden, "only in its own namespace")

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name},
		StringData: map[string]string{v1alpha1.SecretKeyWebhookHMACKey: "hook"},
	}
	if err := c.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	wantError(c, SecretInvalid, "apiKey is missing")

	secret.StringData = map[string]string{v1alpha1.SecretKeyAPIKey: "key\n"}
	if err := c.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	got, err := fromSecret(t.Context(), c, name)
	if err != nil {
		t.Fatal(err)
	}
	if got.APIKey != "key" || len(got.WebhookKeys) != 1 || got.WebhookKeys[0] != "hook" {
		t.Errorf("fromSecret() returned other keys than the Secret has: %v", got)
	}

	_, err = fromSecret(t.Context(), newClient(t, unreachable), name)
	var invalid *Error
	if err == nil || errors.As(err, &invalid) {
		t.Errorf("fromSecret() error = %v, want one that is not the user's", err)
	}
}

func TestParse(t *testing.T) {
	type secret map[string]string
	for _, tc := range []struct {
		reason  string
		secret  secret
		api     string
		webhook []string
		problem string
	}{
		{"no signing", secret{"apiKey": "a"}, "a", nil, ""},
		{"signing", secret{"apiKey": "a", "webhookHmacKey": "w"}, "a", []string{"w"}, ""},
		{"the current key comes first", secret{"apiKey": "a", "webhookHmacKeyPrevious": "p", "webhookHmacKey": "w"}, "a", []string{"w", "p"}, ""},
		{"no current key is not no signing", secret{"apiKey": "a", "webhookHmacKeyPrevious": "p"}, "a", []string{"p"}, ""},
		{"an empty previous key is none", secret{"apiKey": "a", "webhookHmacKey": "w", "webhookHmacKeyPrevious": ""}, "a", []string{"w"}, ""},
		{"line breaks from files", secret{"apiKey": "a\n", "webhookHmacKey": "w\r\n", "webhookHmacKeyPrevious": "\n"}, "a", []string{"w"}, ""},
		{"a key beyond ASCII", secret{"apiKey": "a", "webhookHmacKey": "cl\u00e9"}, "a", []string{"cl\u00e9"}, ""},
		{"other keys do not matter", secret{"apiKey": "a", "note": "x y\x00"}, "a", nil, ""},
		{"an empty Secret", secret{}, "", nil, "apiKey is missing or empty"},
		{"an empty API key", secret{"apiKey": ""}, "", nil, "apiKey is missing or empty"},
		{"a line break only", secret{"apiKey": "\n"}, "", nil, "apiKey is missing or empty"},
		{"the name in another case", secret{"apikey": "a"}, "", nil, "apiKey is missing or empty"},
		{"a space in the API key", secret{"apiKey": "canary a"}, "", nil, "apiKey has a space"},
		{"a space before the API key", secret{"apiKey": " canary"}, "", nil, "apiKey has a space"},
		{"a line break in the API key", secret{"apiKey": "canary\nX-Injected: 1"}, "", nil, "apiKey has a space"},
		{"a NUL in the API key", secret{"apiKey": "canary\x00"}, "", nil, "apiKey has a space"},
		{"an API key that is no text", secret{"apiKey": "canary\xff"}, "", nil, "apiKey has a space"},
		{"an empty webhook key does not switch the check off", secret{"apiKey": "a", "webhookHmacKey": "\n"}, "", nil, "webhookHmacKey is empty"},
		{"a space in the webhook key", secret{"apiKey": "a", "webhookHmacKey": "canary w"}, "", nil, "webhookHmacKey has a space"},
		{"a tab in the previous key", secret{"apiKey": "a", "webhookHmacKeyPrevious": "canary\tp"}, "", nil, "webhookHmacKeyPrevious has a space"},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			data := map[string][]byte{}
			for key, value := range tc.secret {
				data[key] = []byte(value)
			}
			got, err := parse(data)
			if tc.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tc.problem) || strings.Contains(err.Error(), "canary") {
					t.Fatalf("parse() error = %v, want one about %q, without the value", err, tc.problem)
				}
				return
			}
			if err != nil {
				t.Fatalf("parse(): %v", err)
			}
			if got.APIKey != tc.api {
				t.Errorf("APIKey = %q, want %q", got.APIKey, tc.api)
			}
			if diff := cmp.Diff(tc.webhook, got.WebhookKeys); diff != "" {
				t.Errorf("WebhookKeys: -want +got\n%s", diff)
			}
		})
	}
}
