// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/byname"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/report"
	"github.com/kie-operator/kie-operator/internal/state"
)

// Reconciler brings VideoGenerations to the end that their paid
// task comes to, and pays for each at most as often as its user asked for.
type Reconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server itself: what an account has spent, and images in ConfigMaps and Secrets.
	Live        client.Reader
	Credentials *credentials.Store
	KIE         *kie.Client
	// Fetcher looks at images and videos at URLs that are not the operator's own.
	Fetcher  *fetch.Fetcher
	Ledger   *admission.Ledger
	Clock    clock.PassiveClock
	Recorder events.EventRecorder
	Metrics  *report.Metrics
	// StopStoring ends the storing of a resource's videos, if it is going on.
	StopStoring func(resource types.UID)
	// CheckAccount makes the account reconciler look at an account.
	CheckAccount func(account types.NamespacedName)

	// OperatorNamespace is where the KieAccount of last resort is.
	OperatorNamespace string
	// AllowInsecure sends API keys over plain http.
	AllowInsecure bool
	// CallbackBaseURL is where KIE.AI reaches the callback server; empty means polling only.
	CallbackBaseURL string
	// RecoveryWindow is how long the callback of a lost purchase is waited for.
	RecoveryWindow time.Duration
	// PersistBackoff is how the task id is written again when the API server fails.
	PersistBackoff wait.Backoff

	memory  byname.Map[*resourceMemory]
	product product
}

// scope is one look at a VideoGeneration: what was read, what is changed, and
// what it waits for.
type scope struct {
	vg *v1alpha1.VideoGeneration
	// stored is the resource as the API server has it, as far as is known.
	stored *v1alpha1.VideoGeneration
	known  *resourceMemory
	// began is when the look began.
	began time.Time
	// asks is the account with whose key KIE.AI is asked about the task, and pays the one that is to buy the next. They
	// differ while a purchase moves to another account. Nil is one that is not needed, or is gone.
	asks, pays *v1alpha1.KieAccount
	// source is what stands in the way of the video that is to be continued; empty if nothing does.
	source state.Wait
	// heard says that KIE.AI has said something of the task in this look.
	heard bool
	wait  state.Wait
	// requeueAt is when to come back, if nothing happens before; zero for never.
	requeueAt time.Time
	// deleted says that the resource is no more.
	deleted bool
}

// buying reports whether something is to be bought now.
func (l *scope) buying() bool {
	return state.NeedsPurchase(l.vg) || isUnbought(l) || (state.RetryPending(l.vg) && !l.began.Before(state.RetryAt(l.vg.Status.Task)))
}

// isLeaving reports whether the resource is being deleted.
func (l *scope) isLeaving() bool { return !l.vg.DeletionTimestamp.IsZero() }

// requeueBy asks to look again at a time, or earlier.
func (l *scope) requeueBy(at time.Time) {
	if !at.IsZero() && (l.requeueAt.IsZero() || at.Before(l.requeueAt)) {
		l.requeueAt = at
	}
}

// step does one thing for a VideoGeneration. It returns true when the steps
// after it have nothing to do now.
type step func(ctx context.Context, l *scope) (stop bool, err error)

// Reconcile takes a VideoGeneration as far as it can go now.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	l, err := r.open(ctx, req.NamespacedName)
	if l == nil || err != nil {
		return ctrl.Result{}, err
	}
	steps := []step{
		r.remember,
		r.holdUnknownAPI,
		r.adopt,
		r.followRefused,
		r.resolveSource,
		r.resolveAccount,
		r.estimate,
		r.recover,
		r.awaitRetry,
		r.moveAccount,
		r.purchase,
		r.observe,
		r.expire,
		r.upgrade,
		r.store,
		r.refreshLinks,
		r.cleanUp,
	}
	if l.isLeaving() {
		// Somebody else's finalizer holds it: what is paid for is watched to its end, and nothing else is begun.
		steps = []step{r.remember, r.holdUnknownAPI, r.resolveAccount, r.recover, r.observe, r.expire}
	}
	for _, next := range steps {
		var stop bool
		if stop, err = next(ctx, l); stop || err != nil {
			break
		}
	}
	if err == nil && !l.deleted && !l.isLeaving() {
		err = r.mirror(ctx, l)
	}
	return r.close(ctx, l, err)
}

// open reads the resource. It returns nil when there is none that lives.
func (r *Reconciler) open(ctx context.Context, name types.NamespacedName) (*scope, error) {
	vg := &v1alpha1.VideoGeneration{}
	err := r.Client.Get(ctx, name, vg)
	switch {
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("reading the VideoGeneration: %w", err)
	case apierrors.IsNotFound(err), !vg.DeletionTimestamp.IsZero() && (!state.AtWork(vg) || state.IsAdopted(vg.Status.Task)):
		uid := r.memory.Delete(name)
		r.Ledger.Forget(uid)
		r.StopStoring(uid)
		return nil, nil
	}
	known, replaced := r.memory.GetOr(name, vg.UID, func() *resourceMemory { return &resourceMemory{since: r.Clock.Now()} })
	if replaced != "" {
		r.Ledger.Forget(replaced)
		r.StopStoring(replaced)
	}
	l := &scope{vg: vg, stored: vg.DeepCopy(), known: known, began: r.Clock.Now()}
	if l.isLeaving() {
		r.Ledger.Forget(vg.UID)
		r.StopStoring(vg.UID)
	}
	return l, nil
}

// close writes what has changed, once, and says when to come back.
func (r *Reconciler) close(ctx context.Context, l *scope, err error) (ctrl.Result, error) {
	if l.deleted {
		return ctrl.Result{}, nil
	}
	if err == nil {
		l.summarize(r.Clock.Now())
		err = r.writeStatus(ctx, l)
	}
	priority := state.PriorityOf(l.vg)
	if err != nil {
		r.sayUnwritten(ctx, l, err)
		if l.heard {
			// What KIE.AI said is lost with the write: ask again rather than believe that it was noted.
			l.known.task.askAt = r.Clock.Now()
		}
		result, err := report.QuietConflict(err)
		result.Priority = &priority
		return result, err
	}
	result := ctrl.Result{Priority: &priority}
	if l.wait.RetryAfter > 0 {
		result.RequeueAfter = l.wait.RetryAfter
	}
	if !l.requeueAt.IsZero() {
		until := max(l.requeueAt.Sub(r.Clock.Now()), time.Millisecond)
		if result.RequeueAfter == 0 || until < result.RequeueAfter {
			result.RequeueAfter = until
		}
	}
	return result, nil
}
