// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"errors"
	"io"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"gocloud.dev/blob"
)

// videoType is the media type of everything that is stored.
const videoType = "video/mp4"

// Bucket is an open bucket, container or folder. It is safe for concurrent use with
// different keys.
type Bucket struct {
	url     url.URL
	backend string
	prefix  string
	name    string // for people: bucket "videos" at https://s3.example.com
	blob    *blob.Bucket
	special special
}

// special is what a backend does in its own way, nil where there is nothing.
type special struct {
	// prepare makes ready for a write of a key.
	prepare func(ctx context.Context, key string) error
	// sweep removes what interrupted writes of a key have left.
	sweep func(ctx context.Context, key string) error
	// check refuses a key that must not be touched.
	check func(key string) error
	// put writes an object from its start and the rest, if there is one. put may reuse the array of start. The object
	// appears when the rest has ended and not before.
	put func(ctx context.Context, key string, metadata map[string]string, start []byte, rest io.Reader) error
	// write returns what is called at the beginning of a write, and when all is written but not yet visible.
	write func() (begin func(as func(any) bool) error, finish func() error)
	// settle makes sure that what was written is still there after a power failure.
	settle func(key string) error
	// stamp puts metadata on an object, if it is the one with the tag.
	stamp func(ctx context.Context, key, tag string, metadata map[string]string) error
	// close ends what the bucket does not share with others.
	close func() error
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error {
	err := b.blob.Close()
	if b.special.close != nil {
		err = errors.Join(err, b.special.close())
	}
	return err
}

// Backend is the kind of storage: s3, gs, azblob or file.
func (b *Bucket) Backend() string { return b.backend }

// URI is where the object of a key is.
func (b *Bucket) URI(key string) string {
	u := b.url
	u.Path = path.Join("/", u.Path, b.prefix, key)
	return u.String()
}

// Owns returns the key of a URI, if its object is in this bucket and below its
// prefix.
func (b *Bucket) Owns(uri string) (key string, ok bool) {
	rest, ok := strings.CutPrefix(uri, strings.TrimSuffix(b.URI("key"), "key"))
	key, err := url.PathUnescape(rest)
	return key, ok && err == nil && validKey(key)
}

// key is the whole key of one below the prefix.
func (b *Bucket) key(below string) (string, error) {
	key := path.Join(b.prefix, below)
	if !validKey(below) || !validKey(key) {
		return "", invalid("the key of the video cannot be used: it is not a path of at most %d bytes", maxKeyBytes)
	}
	if b.special.check != nil {
		if err := b.special.check(key); err != nil {
			return "", err
		}
	}
	return key, nil
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Find returns the object of a video if it is there completely: Put has written
// it for the same task and to its end. Every failure is an *StorageError.
func (b *Bucket) Find(ctx context.Context, v Video) (Object, bool, error) {
	key, err := b.key(v.Key)
	if err != nil {
		return Object{}, false, b.failed(ctx, err)
	}
	found, err := b.blob.Attributes(ctx, key)
	if b.missing(err) {
		return Object{}, false, nil
	}
	if err != nil {
		return Object{}, false, b.failed(ctx, err)
	}
	sum := found.Metadata[metadataSHA256]
	whole := hexSHA256.MatchString(sum) && found.Size > 0 && found.Metadata[metadataSize] == strconv.FormatInt(found.Size, 10)
	if !whole || found.Metadata[metadataTask] != v.TaskID || found.Metadata[metadataSource] != v.source() {
		return Object{}, false, nil
	}
	return Object{URI: b.URI(v.Key), SizeBytes: found.Size, SHA256: sum, ContentType: videoType}, true, nil
}

// Delete removes the object of exactly this key, and what an interrupted Put of it
// has left. It is no error if there is nothing. Every failure is an *StorageError.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	key, err := b.key(key)
	if err != nil {
		return b.failed(ctx, err)
	}
	if err := b.blob.Delete(ctx, key); err != nil && !b.missing(err) {
		return b.failed(ctx, err)
	}
	if b.special.sweep != nil {
		if err := b.special.sweep(ctx, key); err != nil {
			return b.failed(ctx, err)
		}
	}
	return nil
}
