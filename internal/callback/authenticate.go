// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// authenticate returns nil if the request comes from KIE.AI for that task: it
// is signed with a key of the account that pays, or the account has no key, in
// which case KIE.AI does not sign and the token in the path is all there is.
//
// The keys are those in memory. If they do not fit, they may have been replaced
// since, and are read once more.
func (h *handler) authenticate(ctx context.Context, to addressee, taskID string, header http.Header) *outcome {
	account, refused := h.account(ctx, to.account)
	if refused != nil {
		return refused
	}
	keys, err := h.credentials.Get(ctx, account)
	if err != nil {
		return noCredentials
	}
	if isGenuine(keys.WebhookKeys, taskID, header, h.clock.Now()) {
		return nil
	}
	keys, err = h.credentials.Refresh(ctx, account)
	if err != nil {
		return noCredentials
	}
	if isGenuine(keys.WebhookKeys, taskID, header, h.clock.Now()) {
		return nil
	}
	return badSignature
}

// account finds the KieAccount that pays, which is in the status before anything
// is bought. If it was created again since then, its present keys are used: there
// are no others.
func (h *handler) account(ctx context.Context, payer v1alpha1.AccountIdentity) (*v1alpha1.KieAccount, *outcome) {
	if payer.IsZero() {
		return nil, noAccount
	}
	var account v1alpha1.KieAccount
	err := h.cache.Get(ctx, payer.Key(), &account)
	switch {
	case apierrors.IsNotFound(err):
		return nil, noAccount
	case err != nil:
		return nil, cacheUnavailable
	}
	return &account, nil
}

// isGenuine reports whether the headers carry a signature for the task by one of
// the keys, made within maxClockSkew of now. Without keys there is nothing to
// check. A header that is there twice is no header: two readers could disagree
// on which one counts.
func isGenuine(keys []string, taskID string, header http.Header, now time.Time) bool {
	if len(keys) == 0 {
		return true
	}
	timestamps, signatures := header.Values(kie.HeaderTimestamp), header.Values(kie.HeaderSignature)
	if len(timestamps) != 1 || len(signatures) != 1 || !isFresh(timestamps[0], now) {
		return false
	}
	return kie.VerifySignature(keys, taskID, timestamps[0], signatures[0])
}

// isFresh reports whether the text is a time in Unix seconds, in digits only,
// that is close to now.
func isFresh(timestamp string, now time.Time) bool {
	seconds, err := strconv.ParseUint(timestamp, 10, 63)
	if err != nil {
		return false
	}
	skew := now.Unix() - int64(seconds) // both are below 2^63 and not negative
	limit := int64(maxClockSkew / time.Second)
	return -limit <= skew && skew <= limit
}
