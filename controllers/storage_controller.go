// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controllers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/artifact"
	"github.com/kie-operator/kie-operator/internal/credentials"
	"github.com/kie-operator/kie-operator/internal/kie"
)

// How soon after a failure a video is tried to be stored again: twice as long
// after each one.
const (
	firstStoreAgain = 15 * time.Second
	// maxStoreAgain is for storage, which somebody may be putting right, maxFetchAgain for a host of KIE.AI's.
	maxStoreAgain = 5 * time.Minute
	maxFetchAgain = time.Hour
	// turnAgain is how soon one whose turn it is not looks again.
	turnAgain = 5 * time.Second
	// storeTries is how often the result is written when others write at the same time.
	storeTries = 5
)

// StorageReconciler stores the finished videos of VideoGenerations. It is a
// controller of its own, with workers of its own, because a download takes
// minutes, and nothing else shall wait for it.
//
// Whatever it is interrupted at, it can do again: a video that is in the bucket
// already is found there.
type StorageReconciler struct {
	// Client reads from the cache and writes to the API server.
	Client client.Client
	// Live reads from the API server itself.
	Live        client.Reader
	Places      *Places
	Transfers   *Transfers
	Fetcher     *artifact.Fetcher
	Credentials *credentials.Store
	KIE         *kie.Client
	Clock       clock.PassiveClock
	Recorder    events.EventRecorder
	Metrics     *Metrics
	// AllowInsecure sends API keys over plain http.
	AllowInsecure bool

	// workers is how many resources have their videos stored at a time.
	workers int

	mu    sync.Mutex
	tries map[types.NamespacedName]*tries
	// tenants are the namespaces, other than that of administrators, into whose storage something is stored now.
	tenants map[string]bool
}

// tries is what this process remembers of tries that failed, and of what they
// stored. It may be lost: then the next one comes at once.
type tries struct {
	uid types.UID
	// for which storage they were: another one is tried at once.
	place string
	// storage has those for which all videos wait, videos those of one video, by its URL at KIE.AI.
	storage setback
	videos  map[string]setback
	// stored is what is stored and not noted yet, by its URL at KIE.AI.
	stored map[string]v1alpha1.Artifact
}

// setback is how often in a row something failed, and when it is tried again.
type setback struct {
	failed int
	next   time.Time
}

// Init makes the reconciler ready for use without a manager.
func (r *StorageReconciler) Init() {
	r.tries, r.tenants = map[types.NamespacedName]*tries{}, map[string]bool{}
}

// Reconcile stores what is not stored of a resource, as far as that is possible
// now, and sees to it that the resource has a finalizer if its videos are to be
// deleted with it.
func (r *StorageReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	vg := &v1alpha1.VideoGeneration{}
	if err := r.Client.Get(ctx, req.NamespacedName, vg); apierrors.IsNotFound(err) {
		r.Places.forget(r.forget(req.NamespacedName))
		return ctrl.Result{}, nil
	} else if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading the VideoGeneration: %w", err)
	}
	unnoted := r.unnoted(vg)
	switch {
	case !vg.DeletionTimestamp.IsZero():
		r.forget(req.NamespacedName)
		if !controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
			r.Places.forget(vg.UID) // else its videos are deleted there
		}
		return ctrl.Result{}, nil
	case unnoted != nil:
		if err := r.note(ctx, vg, unnoted, nil); err != nil {
			return quietConflict(err)
		}
		return ctrl.Result{RequeueAfter: conflictDelay}, nil // by what is noted now
	case vg.Status.Storage == nil || !hasVideos(vg):
		r.forget(req.NamespacedName)
		if len(storedURIs(vg)) > 0 {
			return ctrl.Result{}, nil
		}
		return quietConflict(r.setFinalizer(ctx, vg, false)) // there is nothing to be deleted
	}
	account, err := accountOfStatus(ctx, r.Client, vg)
	if err != nil {
		return ctrl.Result{}, err
	}
	p, named := placeOf(vg, account)
	switch pending := storagePending(vg); {
	case !named:
		return r.withoutPlace(ctx, vg, account)
	case !pending:
		r.forget(req.NamespacedName)
		return quietConflict(r.guard(ctx, vg, p))
	case len(storedURIs(vg)) > 0: // whatever becomes of the rest
		if err := r.guard(ctx, vg, p); err != nil {
			return quietConflict(err)
		}
	}
	if p.byAccount {
		if allowed, err := allows(ctx, r.Client, account, vg.Namespace); err != nil {
			return ctrl.Result{}, err
		} else if !allowed {
			return r.refuse(ctx, vg, fmt.Sprintf("KieAccount %s, which says where to store it, does not allow namespace %s: change its spec.allowedNamespaces", vg.Status.Account, vg.Namespace))
		}
	}
	missing := unstored(vg)
	if len(missing) == 0 { // the status says that it is Storing, and that all is stored
		return quietConflict(r.write(ctx, vg, nil, nil))
	}
	known, now := r.of(vg, p), r.Clock.Now()
	if due, next := known.due(missing, now); len(due) == 0 {
		return ctrl.Result{RequeueAfter: next.Sub(now)}, nil
	}
	leave, ok := r.enter(p)
	if !ok {
		return ctrl.Result{RequeueAfter: turnAgain}, nil
	}
	defer leave()
	return r.storeNow(ctx, vg, account, p, known)
}

// storeNow stores what is not stored, and notes what came of it. Whatever ends it,
// what is stored by then is noted, and only then has it ended for those who wait
// for that.
func (r *StorageReconciler) storeNow(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount, p place, known *tries) (ctrl.Result, error) {
	transfer, end := r.Transfers.begin(ctx, vg.UID)
	defer end()
	failure, err := r.keep(transfer, vg, account, p, known)
	ended := failure == interrupted
	if ended {
		failure = nil
	}
	missing := slices.DeleteFunc(unstored(vg), func(file storedFile) bool { _, stored := known.stored[file.url]; return stored })
	if len(known.stored) > 0 || failure != nil {
		err = errors.Join(err, r.note(ctx, vg, known, failure))
	}
	result, err := quietConflict(err)
	switch {
	case err != nil, result.RequeueAfter > 0:
	case ended:
		result.RequeueAfter = time.Second
	case len(missing) > 0:
		now := r.Clock.Now()
		_, next := known.due(missing, now)
		result.RequeueAfter = max(next.Sub(now), time.Millisecond)
	}
	return result, err
}

// unnoted returns what is remembered of the resource if something of it is stored
// that could not be noted, and else nil.
func (r *StorageReconciler) unnoted(vg *v1alpha1.VideoGeneration) *tries {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.tries[client.ObjectKeyFromObject(vg)]
	if known == nil || known.uid != vg.UID || len(known.stored) == 0 {
		return nil
	}
	return known
}

// note writes what is stored and why the rest is not. It does so also when the
// operator is told to stop: what took minutes to do is not thrown away for that.
func (r *StorageReconciler) note(ctx context.Context, vg *v1alpha1.VideoGeneration, known *tries, failure *artifact.StorageError) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), persistTimeout)
	defer cancel()
	err := r.write(ctx, vg, known.stored, failure)
	if err == nil {
		known.stored = nil
	}
	return err
}

// withoutPlace waits for the account that says where to store, until KIE.AI has
// deleted the video. If there is an account that says nothing, the other
// reconciler takes back that anything is to be stored, as soon as it comes to it.
func (r *StorageReconciler) withoutPlace(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount) (ctrl.Result, error) {
	if !storagePending(vg) {
		return ctrl.Result{}, nil
	}
	if until := lastExpiry(vg).Sub(r.Clock.Now()); until > 0 {
		return ctrl.Result{RequeueAfter: until}, nil
	}
	message := "KieAccount %s, which says where to store it, does not exist"
	if account != nil {
		message = "KieAccount %s does not say any more where to store it"
	}
	return r.refuse(ctx, vg, fmt.Sprintf(message, vg.Status.Account))
}

// refuse says why nothing is stored for now, and comes back.
func (r *StorageReconciler) refuse(ctx context.Context, vg *v1alpha1.VideoGeneration, message string) (ctrl.Result, error) {
	result, err := quietConflict(r.write(ctx, vg, nil, &artifact.StorageError{Class: artifact.InvalidStorage, Message: message}))
	if err == nil && result.RequeueAfter == 0 {
		result.RequeueAfter = maxStoreAgain
	}
	return result, err
}

// enter takes a place among those who store, and returns how to leave it. Who is
// not an administrator holds one at a time, and all of them together leave one
// free: a bucket that takes its time does not keep others from storing.
func (r *StorageReconciler) enter(p place) (leave func(), ok bool) {
	if p.trusted(r.Places.OperatorNamespace) {
		return func() {}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tenants[p.namespace] || len(r.tenants) >= max(r.workers-1, 1) {
		return nil, false
	}
	r.tenants[p.namespace] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.tenants, p.namespace)
	}, true
}

// guard adds the finalizer, or removes it, by what is to become of the videos
// when the resource is deleted.
func (r *StorageReconciler) guard(ctx context.Context, vg *v1alpha1.VideoGeneration, p place) error {
	return r.setFinalizer(ctx, vg, p.policy == v1alpha1.DeletionDelete)
}

func (r *StorageReconciler) setFinalizer(ctx context.Context, vg *v1alpha1.VideoGeneration, wanted bool) error {
	if !wanted {
		r.Places.forget(vg.UID)
	}
	if wanted == controllerutil.ContainsFinalizer(vg, v1alpha1.FinalizerStoredVideos) {
		return nil
	}
	patch := client.MergeFromWithOptions(vg.DeepCopy(), client.MergeFromWithOptimisticLock{})
	if wanted {
		controllerutil.AddFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	} else {
		controllerutil.RemoveFinalizer(vg, v1alpha1.FinalizerStoredVideos)
	}
	if err := r.Client.Patch(ctx, vg, patch); err != nil {
		return fmt.Errorf("writing the finalizer: %w", err)
	}
	return nil
}

// write notes what is stored now and why the rest is not. Others may write the
// status meanwhile: what took minutes to do is not thrown away for that.
func (r *StorageReconciler) write(ctx context.Context, vg *v1alpha1.VideoGeneration, stored map[string]v1alpha1.Artifact, failure *artifact.StorageError) error {
	uid, name := vg.UID, client.ObjectKeyFromObject(vg)
	for range storeTries - 1 {
		err := r.writeOnce(ctx, vg, stored, failure)
		if !apierrors.IsConflict(err) {
			return err
		}
		vg = &v1alpha1.VideoGeneration{}
		if err := r.Live.Get(ctx, name, vg); err != nil {
			return fmt.Errorf("reading the VideoGeneration past the cache: %w", err)
		}
		if vg.UID != uid {
			return nil // it was replaced
		}
	}
	return r.writeOnce(ctx, vg, stored, failure)
}

func (r *StorageReconciler) writeOnce(ctx context.Context, vg *v1alpha1.VideoGeneration, stored map[string]v1alpha1.Artifact, failure *artifact.StorageError) error {
	before, now := vg.DeepCopy(), r.Clock.Now()
	for url, object := range stored {
		noteStored(vg, url, object)
	}
	noteProgress(vg, failure, now)
	if isAboutStorage(vg) {
		summarize(vg, waiting{}, now)
	}
	if equality.Semantic.DeepEqual(before.Status, vg.Status) {
		return nil // with the lock, no patch is empty
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, vg, patch); err != nil {
		return fmt.Errorf("writing what is stored: %w", err)
	}
	announce(r.Recorder, r.Metrics, before, vg)
	return nil
}

// isAboutStorage reports whether Ready says how far the storing is, and speaks of
// the present spec. Else it is left to the other reconciler, which sees what is
// written here.
func isAboutStorage(vg *v1alpha1.VideoGeneration) bool {
	ready := meta.FindStatusCondition(vg.Status.Conditions, v1alpha1.ConditionReady)
	return isMade(vg) && vg.Status.ObservedGeneration == vg.Generation && ready != nil &&
		(ready.Reason == v1alpha1.ReasonStoring || ready.Reason == v1alpha1.ReasonStorageFailed)
}

// noteProgress says in the status how far the storing is, by what is stored.
func noteProgress(vg *v1alpha1.VideoGeneration, failure *artifact.StorageError, now time.Time) {
	progress := vg.Status.Storage
	switch {
	case progress == nil: // nobody wants it any more; what is stored is noted all the same
	case progress.State != v1alpha1.StorageStoring:
	case len(unstored(vg)) == 0:
		progress.State, progress.Failure = v1alpha1.StorageStored, nil
		progress.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
	case failure != nil:
		progress.Failure = &v1alpha1.StorageFailure{Reason: string(failure.Class), Message: boundedMessage(failure.Message)}
		if !now.Before(lastExpiry(vg)) {
			progress.State = v1alpha1.StorageFailed
			progress.CompletedAt = ptr.To(metav1.NewTime(now).Rfc3339Copy())
		}
	}
}

// lastExpiry is when KIE.AI has deleted all that is not stored.
func lastExpiry(vg *v1alpha1.VideoGeneration) time.Time {
	var last time.Time
	for i := range vg.Status.Videos {
		video := &vg.Status.Videos[i]
		if isStored(video) {
			continue
		}
		expires := vg.Status.Task.SubmittedAt.Add(videoLifetime)
		if video.ExpiresAt != nil {
			expires = video.ExpiresAt.Time
		}
		if expires.After(last) {
			last = expires
		}
	}
	return last
}

// of returns what is remembered of the resource.
func (r *StorageReconciler) of(vg *v1alpha1.VideoGeneration, p place) *tries {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := client.ObjectKeyFromObject(vg)
	known := r.tries[name]
	where := p.identity()
	if known == nil || known.uid != vg.UID || known.place != where {
		known = &tries{uid: vg.UID, place: where}
		r.tries[name] = known
	}
	return known
}

// forget forgets a resource, and returns its UID if it was remembered.
func (r *StorageReconciler) forget(name types.NamespacedName) types.UID {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.tries[name]
	delete(r.tries, name)
	if known == nil {
		return ""
	}
	return known.uid
}

// due lists those of the videos that are to be tried now, and says when the next
// one is, if there is none.
func (t *tries) due(missing []storedFile, now time.Time) (due []storedFile, next time.Time) {
	for _, file := range missing {
		at := t.storage.next
		if own := t.videos[file.url].next; own.After(at) {
			at = own
		}
		if !now.Before(at) {
			due = append(due, file)
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return due, next
}

// fail puts the next try off: of one video, or of all if it is the storage that
// failed.
func (t *tries) fail(now time.Time, url string, class artifact.Class) {
	if !ofVideo(class) {
		t.storage = t.storage.again(now, maxStoreAgain)
		return
	}
	if t.videos == nil {
		t.videos = map[string]setback{}
	}
	t.videos[url] = t.videos[url].again(now, maxFetchAgain)
}

// succeed notes that a video is stored.
func (t *tries) succeed(url string, object v1alpha1.Artifact) {
	if t.stored == nil {
		t.stored = map[string]v1alpha1.Artifact{}
	}
	t.stored[url], t.storage = object, setback{}
	delete(t.videos, url)
}

// again puts the next try off, by at most so long. A fifth of the time is left to
// chance, so that those that failed together do not come back together.
func (s setback) again(now time.Time, most time.Duration) setback {
	after := most
	if s.failed < 10 {
		after = min(firstStoreAgain<<s.failed, most)
	}
	return setback{failed: s.failed + 1, next: now.Add(after - time.Duration(rand.Int64N(int64(after/5))))} //nolint:gosec // nobody gains by guessing it
}

// accountOfStatus reads the account that has bought the video, nil if there is none any more.
func accountOfStatus(ctx context.Context, reader client.Reader, vg *v1alpha1.VideoGeneration) (*v1alpha1.KieAccount, error) {
	key, ok := accountKey(vg.Status.Account)
	if !ok {
		return nil, nil
	}
	account := &v1alpha1.KieAccount{}
	switch err := reader.Get(ctx, key, account); {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the account: %w", err)
	default:
		return account, nil
	}
}

// asStorageError is the error as one that is shown; ok is false for those of the API server.
func asStorageError(err error) (failure *artifact.StorageError, ok bool) {
	return errors.AsType[*artifact.StorageError](err)
}

// trace logs a failure, which holds no secrets.
func trace(ctx context.Context, vg *v1alpha1.VideoGeneration, failure *artifact.StorageError) {
	log.FromContext(ctx).Info("A video could not be stored", "videoGeneration", client.ObjectKeyFromObject(vg), "class", failure.Class)
}
