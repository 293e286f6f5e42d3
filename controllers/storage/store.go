// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/accounts"
	"github.com/kie-operator/kie-operator/internal/bucket"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// storeTimeout bounds the storing of one video. The download has a bound of its own.
const storeTimeout = time.Hour

// interrupted is the failure when the storing was ended: because the video is not to
// be stored any more, or because the operator stops.
var interrupted = &transfer.StorageError{Class: transfer.Interrupted, Message: "the storing was ended"}

// storeDue stores what is due of a resource, until the context of its transfer ends.
// What it could store, and when to try the rest again, goes to what is known. It
// returns the first reason for which something could not be stored. The error is
// one of the API server.
func (r *Reconciler) storeDue(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount, p state.Location, known *memory) (*transfer.StorageError, error) {
	// From now on, a deletion that is noticed ends this transfer. One that was noticed before found no transfer to end,
	// so ask once more.
	if !r.isWanted(ctx, vg) {
		return interrupted, nil
	}

	opened, err := r.Locations.Open(ctx, vg.UID, p)
	failure, ok := asStorageError(err)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return interrupted, nil
	case ok:
		r.Metrics.NotStored(p.Backend(), failure.Class)
		known.fail(r.Clock.Now(), "", failure.Class)
		return failure, nil
	default:
		return nil, err
	}
	defer func() { _ = opened.Close() }()

	due, _ := known.due(state.Unstored(vg), r.Clock.Now())
	var first *transfer.StorageError
	for _, file := range due {
		object, err := r.storeFile(ctx, vg, account, p, opened, file)
		if err == nil {
			known.succeed(file.URL, object)
			continue
		}
		failure, ok := asStorageError(err)
		switch {
		case ctx.Err() != nil:
			r.takeBack(ctx, vg, opened, file)
			return interrupted, nil
		case failure == interrupted:
			return interrupted, nil
		case !ok:
			return first, err
		}
		r.Metrics.NotStored(opened.Backend(), failure.Class)
		trace(ctx, vg, failure)
		known.fail(r.Clock.Now(), file.URL, failure.Class)
		if first == nil {
			first = failure
		}
		if !ofVideo(failure.Class) {
			break // the others would not do better
		}
	}
	return first, nil
}

// takeBack deletes what the storing of a file has left behind, if it was ended
// because the video is not to be stored any more. The storage may have all of the
// video though its answer was lost.
func (r *Reconciler) takeBack(ctx context.Context, vg *v1alpha1.VideoGeneration, opened *bucket.Bucket, file state.StoredFile) {
	if !errors.Is(context.Cause(ctx), errUnwanted) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := opened.Delete(ctx, file.Key); err != nil {
		log.FromContext(ctx).Info("What may be left of a video that is not to be stored any more could not be deleted",
			"videoGeneration", client.ObjectKeyFromObject(vg), "uri", opened.URI(file.Key), "cause", err.Error())
	}
}

// ofVideo reports whether a failure is about one video and not about the storage.
func ofVideo(class transfer.Class) bool {
	switch class {
	case transfer.LinkDead, transfer.LinkRefused, transfer.DownloadFailed, transfer.NotVideo, transfer.TooLarge:
		return true
	default:
		return false
	}
}

// storeFile stores one video, unless it is there already. When its link is dead
// it gets another one.
func (r *Reconciler) storeFile(ctx context.Context, vg *v1alpha1.VideoGeneration, account *v1alpha1.KieAccount, p state.Location, opened *bucket.Bucket, file state.StoredFile) (v1alpha1.Artifact, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	video := bucket.Video{
		Key: file.Key, TaskID: vg.Status.Task.ID, Resource: client.ObjectKeyFromObject(vg).String(), Source: file.URL,
	}
	began := r.Clock.Now()
	object, found, err := opened.Find(ctx, video)
	if failure, ok := asStorageError(err); ok && failure.Class != transfer.AccessDenied {
		return v1alpha1.Artifact{}, err // AccessDenied may mean that the credentials may write and not read: go on
	}
	// The finalizer is written before the first byte, and not before the storage has answered: storage that never
	// worked does not hold up a deletion.
	if err := r.guard(ctx, vg, p); err != nil {
		return v1alpha1.Artifact{}, err
	}
	if !found {
		object, err = r.download(ctx, vg, opened, video, file.URL)
		if failure, ok := asStorageError(err); ok && failure.Class == transfer.LinkDead && account != nil {
			var link string
			if link, err = r.freshLink(ctx, account, file.URL); err == nil {
				object, err = r.download(ctx, vg, opened, video, link)
				if failure, ok := asStorageError(err); ok && failure.Class == transfer.LinkDead {
					// A fresh link differs each time, so it must not get into the message, which goes into the status.
					err = &transfer.StorageError{Class: transfer.LinkDead, Message: "the link to the video is dead, and so is the fresh one that KIE.AI gives"}
				}
			} else if failure := (*kie.Error)(nil); errors.As(err, &failure) && !failure.Own {
				err = &transfer.StorageError{Class: transfer.LinkDead, Message: "the link to the video is dead, and KIE.AI could not be asked for another one"}
			} else if failure != nil {
				err = &transfer.StorageError{Class: transfer.LinkDead, Message: "the link to the video is dead, and KIE.AI gives no other one now"}
			}
		}
		if err != nil {
			return v1alpha1.Artifact{}, err
		}
		r.Metrics.Stored(opened.Backend(), object.SizeBytes, r.Clock.Since(began))
	}
	return v1alpha1.Artifact{
		URI: object.URI, SizeBytes: object.SizeBytes, SHA256: object.SHA256, ContentType: object.ContentType,
		StoredAt: metav1.NewTime(r.Clock.Now()).Rfc3339Copy(),
	}, nil
}

// download streams a video from a link into the bucket. Nothing is left in the
// bucket that is not a whole video.
func (r *Reconciler) download(ctx context.Context, vg *v1alpha1.VideoGeneration, opened *bucket.Bucket, video bucket.Video, link string) (bucket.Object, error) {
	download, err := r.Fetcher.Download(ctx, link)
	if err != nil {
		return bucket.Object{}, err
	}
	defer func() { _ = download.Close() }()
	return opened.Put(ctx, video, &wantedBody{Reader: download.Checked(), isWanted: func() bool { return r.isWanted(ctx, vg) }})
}

// wantedBody is a body that ends well only if its video is still wanted when all
// of it was read: nothing appears in the bucket before that.
type wantedBody struct {
	io.Reader
	isWanted func() bool
}

func (b *wantedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF && !b.isWanted() {
		return n, interrupted
	}
	return n, err
}

// isWanted asks the API server itself whether the video is still that of the
// resource. A process that was paused may not have noticed that another one leads
// and has released the resource. If the API server does not answer, the video
// counts as wanted: a download of minutes is not thrown away for that.
func (r *Reconciler) isWanted(ctx context.Context, vg *v1alpha1.VideoGeneration) bool {
	live := &v1alpha1.VideoGeneration{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(vg), live); err != nil {
		return !apierrors.IsNotFound(err)
	}
	task := live.Status.Task
	return live.UID == vg.UID && live.DeletionTimestamp.IsZero() && task != nil && task.ID == vg.Status.Task.ID
}

// freshLink asks KIE.AI for another link to a video.
func (r *Reconciler) freshLink(ctx context.Context, account *v1alpha1.KieAccount, url string) (string, error) {
	if accounts.Insecure(account, r.AllowInsecure) != "" {
		return "", &kie.Error{Class: kie.Unavailable}
	}
	secrets, err := r.Credentials.Get(ctx, account)
	if err != nil {
		return "", &kie.Error{Class: kie.Unauthorized, Err: err}
	}
	return r.KIE.DownloadURL(ctx, accounts.Endpoint(account, secrets.APIKey), url)
}

// asStorageError returns the error as one that the status can show; ok is false for
// errors of the API server.
func asStorageError(err error) (failure *transfer.StorageError, ok bool) {
	return errors.AsType[*transfer.StorageError](err)
}

// trace logs a failure, which holds no secrets.
func trace(ctx context.Context, vg *v1alpha1.VideoGeneration, failure *transfer.StorageError) {
	log.FromContext(ctx).Info("A video could not be stored", "videoGeneration", client.ObjectKeyFromObject(vg), "class", failure.Class)
}
