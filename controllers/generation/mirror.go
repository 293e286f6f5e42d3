// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// How soon the annotations are tried to be written again: twice as long after
// each try. What may pass is said when it has lasted; what the API server
// refuses is said at once.
const (
	firstMirrorAgain = time.Second
	maxMirrorAgain   = 5 * time.Minute
	mirrorLate       = 30 * time.Second
	// markTimeout bounds the write before a purchase.
	markTimeout = 2 * time.Second
)

// mark writes the attempt of the purchase that is about to be made into its
// annotation. It is one try: the purchase does not depend on it.
func (r *Reconciler) mark(ctx context.Context, l *scope) {
	ctx, cancel := context.WithTimeout(ctx, markTimeout)
	defer cancel()
	if err := r.annotate(ctx, l, state.MirroredOf(l.vg)); err != nil {
		l.known.mirror.failed(err, r.Clock.Now())
	}
}

// mirror keeps the annotations in step with the status. It comes last, and
// nothing waits for it: policies that guard what users apply may refuse every
// write to the resource itself, and what is paid for has to be brought to its
// end all the same. While it cannot, a condition says so, and it tries again.
func (r *Reconciler) mirror(ctx context.Context, l *scope) error {
	want, now, known := state.MirroredOf(l.vg), r.Clock.Now(), &l.known.mirror
	if task := l.vg.Status.Task; task == nil && l.cameToNothing(want.Attempt) {
		want.Attempt = ""
	}
	switch has := state.Annotated(l.vg); {
	case has == want:
		*known = mirrorTrouble{}
		return nil
	case now.Before(known.next):
		l.requeueBy(known.next)
	default:
		err := r.annotate(ctx, l, want)
		switch {
		case err == nil:
			*known = mirrorTrouble{}
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsNotFound(err):
			return nil
		case apierrors.IsConflict(err):
			l.requeueBy(now.Add(report.ConflictDelay))
			return nil
		}
		known.failed(err, now)
		l.requeueBy(known.next)
	}
	if known.toBeSaid(now) {
		meta.SetStatusCondition(&l.vg.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionTaskIDNotMirrored, Status: metav1.ConditionTrue, Reason: known.reason, Message: known.message,
			ObservedGeneration: l.vg.Generation, LastTransitionTime: metav1.NewTime(now).Rfc3339Copy(),
		})
	} else {
		l.requeueBy(known.since.Add(mirrorLate))
	}
	return nil
}

// annotate writes the annotations, on the version of the resource that was read:
// the id of one resource is never written to another that has taken its name.
func (r *Reconciler) annotate(ctx context.Context, l *scope, want state.Mirrored) error {
	marked := l.stored.DeepCopy()
	patch := client.MergeFromWithOptions(l.stored.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if marked.Annotations == nil {
		marked.Annotations = map[string]string{}
	}
	for key, value := range map[string]string{v1alpha1.AnnotationTaskID: want.TaskID, v1alpha1.AnnotationAttempt: want.Attempt} {
		if value == "" {
			delete(marked.Annotations, key)
		} else {
			marked.Annotations[key] = value
		}
	}
	if err := r.Client.Patch(ctx, marked, patch); err != nil {
		return fmt.Errorf("writing the annotations: %w", err)
	}
	changed := l.vg.Status
	l.vg, l.stored = marked, marked.DeepCopy()
	l.vg.Status = changed
	return nil
}

// mirrorTrouble is what is known of writes of the annotations that have failed;
// the zero value if none has.
type mirrorTrouble struct {
	since, next     time.Time
	tries           int
	refused         bool
	reason, message string
}

// failed notes one more.
func (m *mirrorTrouble) failed(err error, now time.Time) {
	if m.since.IsZero() {
		m.since = now
	}
	m.next = now.Add(state.Backoff(firstMirrorAgain, maxMirrorAgain, m.tries))
	m.tries++
	m.refused = report.IsRefused(err)
	m.reason = "UpdateFailed"
	if m.refused {
		m.reason = "UpdateRefused"
	}
	m.message = fmt.Sprintf("annotation %s cannot be written, so that this resource, restored from a backup without its status, would be bought again: allow the operator to update it. %s",
		v1alpha1.AnnotationTaskID, report.FailureText(err))
}

// toBeSaid reports whether people have to know.
func (m *mirrorTrouble) toBeSaid(now time.Time) bool {
	return m.refused || !now.Before(m.since.Add(mirrorLate))
}
