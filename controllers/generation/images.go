// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
	"github.com/kie-operator/kie-operator/internal/admission"
	"github.com/kie-operator/kie-operator/internal/fetch"
	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/state"
)

const (
	// imagesStayGood is how long images that were checked are not looked at again while the purchase waits.
	imagesStayGood = 10 * time.Minute
	// imagesLookAgain is how often images that cannot be used are looked at again: they may be put right.
	imagesLookAgain = time.Minute
	// imagesTimeout bounds the check of all images of a resource.
	imagesTimeout = 20 * time.Second
	// uploadsStayGood is how long an upload is used. KIE.AI keeps it for 24 hours, and fetches it a while after
	// the purchase.
	uploadsStayGood = 23 * time.Hour
)

// upload is a file of the resource that was put where KIE.AI can fetch it.
type upload struct {
	url string
	at  time.Time
}

// imageMemory is what this process knows about the images of a resource.
type imageMemory struct {
	// imagesGoodAt is when all images were last found to be usable.
	imagesGoodAt time.Time
	// uploads are where those of the cluster are at KIE.AI, by the name that they have there.
	uploads map[string]upload
}

// checkImages looks at the images before a credit is spent on them: that they
// are there, and that they are images. They are good if every one could be used
// a short while ago; else l.wait says why not.
func (r *Reconciler) checkImages(ctx context.Context, l *scope) (good bool, err error) {
	now := r.Clock.Now()
	if state.IsSuspended(l.vg) || len(l.vg.Spec.Images) == 0 || now.Before(l.known.imagesGoodAt.Add(imagesStayGood)) {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, imagesTimeout)
	defer cancel()
	for i, image := range l.vg.Spec.Images {
		var err error
		if image.URL != "" {
			err = r.Fetcher.CheckImageURL(ctx, image.URL)
		} else {
			_, _, err = r.file(ctx, l.vg.Namespace, image)
		}
		if err != nil {
			return false, r.withoutImage(l, i, err)
		}
	}
	l.known.imagesGoodAt = now
	return true, nil
}

// imageURLs lists where KIE.AI can fetch the images, after it has uploaded those
// that are in the cluster. If it cannot, l.wait says why not.
func (r *Reconciler) imageURLs(ctx context.Context, l *scope, apiKey string) (urls []string, ok bool, err error) {
	for i, image := range l.vg.Spec.Images {
		if image.URL != "" {
			urls = append(urls, image.URL)
			continue
		}
		link, err := r.uploaded(ctx, l, image, apiKey)
		if err != nil {
			return nil, false, r.withoutImage(l, i, err)
		}
		urls = append(urls, link)
	}
	return urls, true, nil
}

// uploaded returns where KIE.AI can fetch a file of the cluster. It is uploaded
// under a name that no other contents ever have, because names are cached.
func (r *Reconciler) uploaded(ctx context.Context, l *scope, image v1alpha1.Image, apiKey string) (string, error) {
	data, format, err := r.file(ctx, l.vg.Namespace, image)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:]) + format.Extension
	if have, ok := l.known.uploads[name]; ok && r.Clock.Now().Before(have.at.Add(uploadsStayGood)) {
		return have.url, nil
	}
	file, err := r.KIE.Upload(ctx, kie.Endpoint{BaseURL: l.pays.Spec.UploadBaseURL, APIKey: apiKey}, kie.UploadFile{
		Name: name, Path: "kie-operator/" + string(l.vg.UID), ContentType: format.ContentType, Data: data,
	})
	if err != nil {
		return "", err
	}
	if l.known.uploads == nil {
		l.known.uploads = map[string]upload{}
	}
	l.known.uploads[name] = upload{url: file.URL, at: r.Clock.Now()}
	return file.URL, nil
}

// file reads an image from its ConfigMap or Secret, past the cache: nothing of
// them is listed, watched or kept.
func (r *Reconciler) file(ctx context.Context, namespace string, image v1alpha1.Image) ([]byte, fetch.Image, error) {
	var (
		kind string
		ref  *v1alpha1.KeyReference
		data map[string][]byte
		err  error
	)
	switch {
	case image.ConfigMapKeyRef != nil:
		kind, ref = "ConfigMap", image.ConfigMapKeyRef
		configMap := &corev1.ConfigMap{}
		err = r.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, configMap)
		data = configMap.BinaryData
	case image.SecretKeyRef != nil:
		kind, ref = "Secret", image.SecretKeyRef
		secret := &corev1.Secret{}
		err = r.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: ref.Name}, secret)
		data = secret.Data
	default:
		return nil, fetch.Image{}, &fetch.ImageError{Message: "it has no url, configMapKeyRef or secretKeyRef"}
	}
	contents, found := data[ref.Key]
	switch {
	case apierrors.IsNotFound(err):
		return nil, fetch.Image{}, &fetch.ImageError{Temporary: true, Message: fmt.Sprintf("%s %s does not exist: create it", kind, ref.Name)}
	case apierrors.IsForbidden(err):
		return nil, fetch.Image{}, &fetch.ImageError{Temporary: true, Message: fmt.Sprintf(
			"the operator is not allowed to read %s %s: grant it get on %ss in namespace %s, see config/tenant", kind, ref.Name, kind, namespace)}
	case err != nil:
		return nil, fetch.Image{}, fmt.Errorf("reading %s %s: %w", kind, ref.Name, err)
	case !found:
		return nil, fetch.Image{}, &fetch.ImageError{Temporary: true, Message: fmt.Sprintf("%s %s has no key %s (with ConfigMaps, under binaryData)", kind, ref.Name, ref.Key)}
	}
	format, err := fetch.CheckImageBytes(contents)
	if err != nil {
		return nil, fetch.Image{}, fmt.Errorf("key %s of %s %s: %w", ref.Key, kind, ref.Name, err)
	}
	return contents, format, nil
}

// withoutImage says what to wait for when an image cannot be used. What may be
// put right by somebody else's deed or by time is waited for; for what is no
// image, the user has to do something.
func (r *Reconciler) withoutImage(l *scope, index int, err error) error {
	var problem *fetch.ImageError
	var refusal *kie.Error
	switch {
	case errors.As(err, &problem):
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonInvalidImage, Message: fmt.Sprintf("image %d cannot be used, nothing was bought: %s", index+1, err)}
		if problem.Temporary {
			l.wait.Kind = state.Retrying
		}
	case errors.As(err, &refusal) && refusal.Class == kie.Invalid:
		l.wait = state.Wait{Kind: state.Stalled, Reason: v1alpha1.ReasonInvalidImage,
			Message: fmt.Sprintf("image %d was refused by KIE.AI's file upload, nothing was bought: %s", index+1, refusal.Message)}
	case errors.As(err, &refusal):
		l.wait = admission.WaitingFor(refusal.Class, l.pays)
	default:
		return err
	}
	l.wait.RetryAfter = imagesLookAgain
	if l.vg.Status.Task == nil && l.wait.Reason == v1alpha1.ReasonInvalidImage {
		l.vg.Status.Account = v1alpha1.AccountIdentity{} // it is nobody's purchase, and does not wait for a turn
	}
	r.Ledger.Hold(l.pays, l.vg.UID, l.wait) // out of the way of those that can be bought
	l.known.imagesGoodAt = time.Time{}
	return nil
}
