// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
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
		vg, ok := object.(*v1alpha1.VideoGeneration)
		if !ok {
			return nil
		}
		return attemptsOf(vg)
	})
	if err != nil {
		return fmt.Errorf("indexing VideoGenerations by %s: %w", attemptField, err)
	}
	return nil
}

// attemptsOf lists the attempts that a callback for the resource may come for:
// those of its task and its upgrade, and those that KIE.AI said it refused.
func attemptsOf(vg *v1alpha1.VideoGeneration) (attempts []string) {
	if vg.Status.Task != nil {
		attempts = append(attempts, vg.Status.Task.Attempt)
	}
	if vg.Status.Upgrade != nil {
		attempts = append(attempts, vg.Status.Upgrade.Attempt)
	}
	for _, refused := range vg.Status.RefusedAttempts {
		if !slices.Contains(attempts, refused.Attempt) {
			attempts = append(attempts, refused.Attempt)
		}
	}
	return attempts
}

// taskAttemptField is by what the API server itself finds them: a selectable
// field of the CRD.
const taskAttemptField = "status.task.attempt"

// find looks the attempt up in the cache. When the API server has been away, a
// cache may be behind for half a minute, in which all tries of a callback fall:
// an attempt that it does not know is looked up past it, a few times in a second
// at most, so that those who guess tokens do not keep the API server busy.
// Clusters before Kubernetes 1.31 do not know the field, and a token is unknown
// there.
//
// Attempts are random, so two resources with the same one mean that somebody
// copied a status. Nobody can say whom the callback is for, and it is refused;
// the controller finds the result by asking.
func (h *handler) find(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	var found v1alpha1.VideoGenerationList
	if err := h.cache.List(ctx, &found, client.MatchingFields{attemptField: attempt}); err != nil {
		return nil, cacheUnavailable
	}
	if len(found.Items) == 0 && h.lookups.AllowN(h.clock.Now(), 1) {
		err := h.live.List(ctx, &found, client.MatchingFields{taskAttemptField: attempt})
		if err != nil && !apierrors.IsBadRequest(err) {
			return nil, apiUnavailable
		}
	}
	if len(found.Items) != 1 {
		return nil, unknownToken
	}
	return &found.Items[0], nil
}
