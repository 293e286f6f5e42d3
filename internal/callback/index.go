// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"fmt"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// attemptField is the field index of VideoGenerations by their attempts: of the
// task, of the upgrade, and of the purchases that KIE.AI said it refused.
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
	if !ok {
		return nil
	}
	var attempts []string
	if vg.Status.Task != nil {
		attempts = append(attempts, vg.Status.Task.Attempt)
	}
	if vg.Status.Task != nil && vg.Status.Upgrade != nil {
		attempts = append(attempts, vg.Status.Upgrade.Attempt)
	}
	for _, refused := range vg.Status.RefusedAttempts {
		if !slices.Contains(attempts, refused.Attempt) {
			attempts = append(attempts, refused.Attempt)
		}
	}
	return attempts
}
