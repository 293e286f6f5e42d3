// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// attemptField is the name of what VideoGenerations are found by: the attempts
// of their task and of their upgrade.
const attemptField = "status.attempts"

// IndexAttempts lets the cache find VideoGenerations by their attempt. It has to
// be called before the cache starts.
func IndexAttempts(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &v1alpha1.VideoGeneration{}, attemptField, func(object client.Object) []string {
		return attemptsOf(object)
	})
	if err != nil {
		return fmt.Errorf("indexing VideoGenerations by %s: %w", attemptField, err)
	}
	return nil
}

// attemptsOf returns all attempts for which addresseeOf finds something in the
// object, and none for an object of another kind.
func attemptsOf(object any) []string {
	vg, ok := object.(*v1alpha1.VideoGeneration)
	if !ok || vg.Status.Task == nil {
		return nil
	}
	attempts := []string{vg.Status.Task.Attempt}
	if vg.Status.Upgrade != nil {
		attempts = append(attempts, vg.Status.Upgrade.Attempt)
	}
	return attempts
}
