// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// fromSecret reads one Secret with one get.
func fromSecret(ctx context.Context, secrets client.Reader, name types.NamespacedName) (Credentials, error) {
	var secret corev1.Secret
	err := secrets.Get(ctx, name, &secret)
	switch {
	case apierrors.IsNotFound(err):
		return Credentials{}, &Error{Reason: SecretNotFound, Message: fmt.Sprintf(
			"Secret %s does not exist: create it with the key %s", name, v1alpha1.SecretKeyAPIKey)}
	case apierrors.IsForbidden(err):
		return Credentials{}, &Error{Reason: SecretForbidden, Message: fmt.Sprintf(
			"the operator is not allowed to read Secret %s: unless it is installed otherwise, it may read Secrets only in its own namespace; "+
				"move the KieAccount and its Secret there, or grant get on Secrets in namespace %s", name, name.Namespace)}
	case err != nil:
		return Credentials{}, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	credentials, err := parse(secret.Data)
	if err != nil {
		return Credentials{}, &Error{Reason: SecretInvalid, Message: fmt.Sprintf("Secret %s: %s", name, err)}
	}
	return credentials, nil
}

// parse takes the keys out of the data of a Secret.
//
// A webhook key that is there but empty is refused: taking it for "callbacks
// are not signed" would let a slip in a template switch the check off. The
// previous key may be empty, because a template that knows of no rotation says
// just that.
func parse(data map[string][]byte) (Credentials, error) {
	apiKey, err := keyText(data, v1alpha1.SecretKeyAPIKey)
	switch {
	case err != nil:
		return Credentials{}, err
	case apiKey == "":
		return Credentials{}, fmt.Errorf("%s is missing or empty: set it to the API key from kie.ai", v1alpha1.SecretKeyAPIKey)
	}
	current, err := keyText(data, v1alpha1.SecretKeyWebhookHMACKey)
	if err != nil {
		return Credentials{}, err
	}
	if _, ok := data[v1alpha1.SecretKeyWebhookHMACKey]; ok && current == "" {
		return Credentials{}, fmt.Errorf("%s is empty: set it, or remove the key if KIE.AI does not sign callbacks", v1alpha1.SecretKeyWebhookHMACKey)
	}
	previous, err := keyText(data, v1alpha1.SecretKeyWebhookHMACKeyPrevious)
	if err != nil {
		return Credentials{}, err
	}
	credentials := Credentials{APIKey: apiKey}
	for _, key := range []string{current, previous} {
		if key != "" {
			credentials.WebhookKeys = append(credentials.WebhookKeys, key)
		}
	}
	return credentials, nil
}

// keyText is the text of one key, without the line break at the end that
// kubectl create secret --from-file adds.
func keyText(data map[string][]byte, key string) (string, error) {
	text := strings.TrimRight(string(data[key]), "\r\n")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unusable) {
		return "", errors.New(key + " has a space, a line break or a control character in it: set it to the key alone")
	}
	return text, nil
}

func unusable(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }
