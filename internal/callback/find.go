// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/listen"
)

// taskAttemptField is the field by which the API server itself can select
// VideoGenerations. It has no index for it, so a look-up takes longer the more
// resources there are.
const taskAttemptField = "status.task.attempt"

// find returns the VideoGeneration that has the attempt. It says that the
// attempt is unknown only if it is known that no resource has it.
func (h *handler) find(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	vg, refused := h.findCached(ctx, attempt)
	if vg != nil || refused != nil {
		return vg, refused
	}
	return h.await(ctx, attempt)
}

// findCached looks the attempt up in the cache. It returns neither a resource nor an
// outcome if it is not there.
//
// Attempts are random, so two resources with the same one mean that somebody
// copied a status. Nobody can say whom the callback is for, and it is refused;
// the controller finds the result by asking.
func (h *handler) findCached(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	var found v1alpha1.VideoGenerationList
	if err := h.cache.List(ctx, &found, client.MatchingFields{attemptField: attempt}); err != nil {
		return nil, cacheUnavailable
	}
	return theOne(found.Items)
}

func theOne(found []v1alpha1.VideoGeneration) (*v1alpha1.VideoGeneration, *outcome) {
	switch len(found) {
	case 0:
		return nil, nil
	case 1:
		return &found[0], nil
	default:
		return nil, unknownToken
	}
}

// await decides about an attempt that the cache does not have: the cache may be
// behind, or a stranger has guessed. It waits until the cache has the attempt, or
// until it is proven that the cache is not behind. Proofs are begun only after
// unseenGrace: in a burst right after the purchases they would slow down the API
// server, and with it the watch that brings the attempts. If the cache is behind,
// it asks the API server once, as far as the limit on look-ups allows. If nothing is
// known in time, the sender has to come again.
//
// The senders who wait here have shown nothing but a path, so their number is
// bounded apart from that of callbacks whose attempt is known.
func (h *handler) await(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	select {
	case h.unseen <- struct{}{}:
		defer func() { <-h.unseen }()
	default:
		return nil, tooMany
	}
	if !listen.Hold(ctx) {
		return nil, brokenOff
	}
	if h.informers == nil {
		if h.lookups.AllowN(h.clock.Now(), 1) {
			if vg, refused := h.findLive(ctx, attempt); vg != nil || refused != nil {
				return vg, refused
			}
		}
		return nil, cacheBehind
	}
	seen, forget := h.informers.watchFor(attempt)
	defer forget()
	patience, cancel := context.WithTimeout(ctx, h.unseenTimeout)
	defer cancel()
	// It may have come before watchFor.
	if vg, refused := h.findCached(ctx, attempt); vg != nil || refused != nil {
		return vg, refused
	}
	grace, over := context.WithTimeout(ctx, h.unseenGrace)
	defer over()
	select {
	case <-seen:
		return h.reveal(ctx, attempt)
	case <-patience.Done():
		return nil, cacheBehind
	case <-grace.Done():
	}
	for asked := false; ; {
		proof := h.informers.prove(ctx)
		select {
		case <-seen:
			return h.reveal(ctx, attempt)
		case <-patience.Done():
			return nil, cacheBehind
		case <-proof.done:
		}
		if proof.holds {
			return h.reveal(ctx, attempt)
		}
		if asked || !h.lookups.AllowN(h.clock.Now(), 1) {
			continue
		}
		asked = true
		if vg, refused := h.findLive(ctx, attempt); vg != nil || refused != nil {
			return vg, refused
		}
	}
}

// reveal looks into a cache that is known not to be behind.
func (h *handler) reveal(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	vg, refused := h.findCached(ctx, attempt)
	if vg == nil && refused == nil {
		return nil, unknownToken
	}
	return vg, refused
}

// findLive asks the API server for the task that has the attempt. It returns
// neither a resource nor an outcome if there is none. The attempt may exist all the
// same: those of upgrades and of refused purchases are not selectable. Clusters before Kubernetes 1.31 cannot
// select by a field of a custom resource at all.
func (h *handler) findLive(ctx context.Context, attempt string) (*v1alpha1.VideoGeneration, *outcome) {
	var found v1alpha1.VideoGenerationList
	err := h.live.List(ctx, &found, client.MatchingFields{taskAttemptField: attempt})
	switch {
	case apierrors.IsBadRequest(err):
		return nil, nil
	case err != nil:
		return nil, apiUnavailable
	}
	return theOne(found.Items)
}
