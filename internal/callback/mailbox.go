// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import (
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// fieldOwner is the name under which managedFields shows the mailbox.
const fieldOwner = client.FieldOwner("kie-operator-callbacks")

// deliver puts the callback into the mailbox of the VideoGeneration when it is
// its turn. When it returns accepted, the write is durable.
//
// The write names the version that was checked, so that of two replicas with the
// same callback one writes and the other gets a conflict: it reads the resource
// again, past the cache, and finds that nothing is left to do.
func (h *handler) deliver(ctx context.Context, vg *v1alpha1.VideoGeneration, attempt string, callback kie.Callback) *outcome {
	if result := check(vg, attempt, callback.TaskID); result != nil {
		return result
	}
	turn, err := h.line.turn(ctx)
	if err != nil {
		return apiUnavailable // the API server became slower after the place was taken
	}
	writes := 0
	defer func() { turn.end(writes > 0) }()
	authentic := vg
	signer, _ := addresseeOf(vg, attempt)
	for vg = h.newest(ctx, vg); ; {
		if vg.UID != authentic.UID {
			return gone // another resource has taken the name
		}
		if to, found := addresseeOf(vg, attempt); found && to.account != signer.account {
			return contended // the signature was checked with the keys of another account: the sender has to try again
		}
		if result := check(vg, attempt, callback.TaskID); result != nil {
			return result
		}
		if writes == maxWrites {
			return contended
		}
		writes++
		err := h.write(ctx, vg, v1alpha1.CallbackReceipt{
			Attempt:    attempt,
			TaskID:     callback.TaskID,
			Code:       callback.Code,
			ReceivedAt: metav1.NewMicroTime(h.clock.Now()),
		})
		switch {
		case err == nil:
			return accepted
		case apierrors.IsNotFound(err):
			return gone
		case !apierrors.IsConflict(err):
			return apiUnavailable
		}
		if vg, err = h.lookAgain(ctx, authentic); err != nil {
			if apierrors.IsNotFound(err) {
				return gone
			}
			return apiUnavailable
		}
	}
}

// newest returns the VideoGeneration as it is in the cache if that is newer than
// what is given: it may have changed while the callback was in line.
func (h *handler) newest(ctx context.Context, vg *v1alpha1.VideoGeneration) *v1alpha1.VideoGeneration {
	var cached v1alpha1.VideoGeneration
	err := h.cache.Get(ctx, client.ObjectKeyFromObject(vg), &cached)
	if err != nil || reaches(vg.ResourceVersion, cached.ResourceVersion) {
		return vg
	}
	return &cached
}

// check returns the outcome of a callback if it needs no write, and nil if it does.
func check(vg *v1alpha1.VideoGeneration, attempt, taskID string) *outcome {
	to, found := addresseeOf(vg, attempt)
	last := vg.Status.Callback
	switch {
	case !found:
		return unknownToken
	case !to.accepts(taskID):
		return differentTask
	case last != nil && last.Attempt == attempt && last.TaskID == taskID && !to.givenUpSince(last):
		return duplicate
	case to.settled:
		return settled
	case last != nil && last.Attempt != attempt && awaited(vg, last):
		return contended // there is room for one, and the operator has not followed that one yet
	default:
		return nil
	}
}

// awaited reports whether the receipt is all that is known of a paid task: that of a
// purchase whose answer was lost, or that KIE.AI had refused, before the operator has
// come to it.
func awaited(vg *v1alpha1.VideoGeneration, receipt *v1alpha1.CallbackReceipt) bool {
	if task := vg.Status.Task; task != nil && task.Attempt == receipt.Attempt {
		return task.ID == "" && task.State == v1alpha1.TaskSubmitting
	}
	return slices.ContainsFunc(vg.Status.RefusedAttempts, func(a v1alpha1.RefusedAttempt) bool {
		return a.Attempt == receipt.Attempt && a.TaskID == ""
	})
}

// givenUpSince reports whether the operator gave the task up after the receipt was
// written. Then the same callback is worth another write, once.
func (a addressee) givenUpSince(last *v1alpha1.CallbackReceipt) bool {
	return a.givenUpAt != nil && last.ReceivedAt.Time.Before(a.givenUpAt.Time)
}

// mailboxPatch is a merge patch of the one field, for one version of the
// resource. No two resources ever share a version, so it cannot hit one that
// was created anew under the same name either. Code has no omitempty: a
// callback without a code has to remove the code of the one before.
type mailboxPatch struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Status struct {
		Callback struct {
			Attempt    string           `json:"attempt"`
			TaskID     string           `json:"taskID"`
			Code       *int32           `json:"code"`
			ReceivedAt metav1.MicroTime `json:"receivedAt"`
		} `json:"callback"`
	} `json:"status"`
}

func (h *handler) write(ctx context.Context, vg *v1alpha1.VideoGeneration, receipt v1alpha1.CallbackReceipt) error {
	var patch mailboxPatch
	patch.Metadata.ResourceVersion = vg.ResourceVersion
	patch.Status.Callback.Attempt = receipt.Attempt
	patch.Status.Callback.TaskID = receipt.TaskID
	patch.Status.Callback.Code = receipt.Code
	patch.Status.Callback.ReceivedAt = receipt.ReceivedAt
	body, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	target := &v1alpha1.VideoGeneration{ObjectMeta: metav1.ObjectMeta{Namespace: vg.Namespace, Name: vg.Name}}
	return h.writer.Patch(ctx, target, client.RawPatch(types.MergePatchType, body), fieldOwner)
}

// lookAgain reads the VideoGeneration from the API server: the cache still has
// the state that was just overtaken.
func (h *handler) lookAgain(ctx context.Context, vg *v1alpha1.VideoGeneration) (*v1alpha1.VideoGeneration, error) {
	var live v1alpha1.VideoGeneration
	if err := h.live.Get(ctx, client.ObjectKeyFromObject(vg), &live); err != nil {
		return nil, err
	}
	return &live, nil
}
