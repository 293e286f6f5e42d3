// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"sync"
	"time"

	"gocloud.dev/blob"
)

const (
	// bufferBytes is how much of a video is held in memory. What is shorter is written at once; of what is longer,
	// so much is sent at a time. S3 takes no smaller parts.
	bufferBytes = 5 << 20
	// cleanUpTimeout bounds the removal of what a failed write left.
	cleanUpTimeout = 10 * time.Second
)

// Put stores a video, whatever is under its key, and holds no more than about
// 5 MiB of it in memory. When it returns an object, that is complete, and has all
// its metadata unless the storage does not let it be added. When it fails, there is
// nothing new under the key that Find accepts; an object of another video that was
// there may be gone.
//
// Two processes may put the same video at the same time, such as one that was
// paused and has not noticed that another one leads: neither of them removes what
// the other one has put.
//
// It reads the body up to io.EOF. Any other error of the body means that the
// video is not complete, and is returned as it is. Every other failure is an
// *StorageError. The caller bounds the time with the context.
func (b *Bucket) Put(ctx context.Context, v Video, body io.Reader) (Object, error) {
	key, err := b.key(v.Key)
	if err != nil {
		return Object{}, b.failed(ctx, err)
	}
	if b.special.prepare != nil {
		if err := b.special.prepare(ctx, key); err != nil {
			return Object{}, b.failed(ctx, err)
		}
	}
	s := &source{reader: body, hash: sha256.New()}
	if err := b.put(ctx, key, v, s); err != nil {
		b.cleanUp(ctx, key)
		if s.err != nil {
			return Object{}, s.err
		}
		return Object{}, b.failed(ctx, err)
	}
	return Object{URI: b.URI(v.Key), SizeBytes: s.size, SHA256: s.sum(), ContentType: videoType}, nil
}

// buffers are reused, because they are the largest piece of memory that the storing
// of a video needs.
var buffers = sync.Pool{New: func() any { return new([bufferBytes]byte) }}

// put writes a video. Its hash, which goes into the metadata, is known at the end,
// while most backends want the metadata at the beginning. So a long video is
// written without the hash, as an object that Find does not accept, and gets it
// afterwards.
func (b *Bucket) put(ctx context.Context, key string, v Video, s *source) error {
	buffer := buffers.Get().(*[bufferBytes]byte)
	defer buffers.Put(buffer)
	start, whole, err := fill(buffer[:], s)
	if err != nil {
		return err
	}
	if whole {
		return b.write(ctx, key, s.stamped(v), start, nil)
	}
	if err := b.write(ctx, key, v.metadata(), start, s); err != nil {
		return err
	}
	return b.stamp(ctx, key, s.size, s.stamped(v))
}

// fill reads as much as there is room for, and says whether the end came before
// that.
func fill(room []byte, r io.Reader) (filled []byte, ended bool, err error) {
	for n := 0; ; {
		if n == len(room) {
			return room, false, nil
		}
		read, err := r.Read(room[n:])
		n += read
		switch {
		case err == io.EOF: // no other error is the end, whatever is in it
			return room[:n], true, nil
		case err != nil:
			return nil, false, err
		}
	}
}

// write writes an object from its start and the rest, if there is one. It appears
// when the rest has ended and not before.
func (b *Bucket) write(ctx context.Context, key string, metadata map[string]string, start []byte, rest io.Reader) error {
	if b.special.put != nil {
		return b.special.put(ctx, key, metadata, start, rest)
	}
	body := io.Reader(bytes.NewReader(start))
	if rest != nil {
		body = io.MultiReader(body, rest)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := &blob.WriterOptions{ContentType: videoType, Metadata: metadata, BufferSize: bufferBytes, MaxConcurrency: 1}
	finish := func() error { return nil }
	if b.special.write != nil {
		var settle func() error
		options.BeforeWrite, settle = b.special.write()
		finish = func() error {
			if err := settle(); err != nil {
				return err
			}
			return b.makeWay(ctx, key, metadata)
		}
	}
	w, err := b.blob.NewWriter(ctx, key, options)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, body)
	if err == nil {
		err = finish()
	}
	if err != nil {
		cancel() // Close makes the object visible, unless the context has ended
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	if b.special.settle != nil {
		return b.special.settle(key)
	}
	return nil
}

// errNotAsWritten means that an object is not what was written.
var errNotAsWritten = errors.New("the object is not what was written")

// stamp puts the hash into the metadata of an object that was just written. It is
// no error if the storage does not allow that, as long as the object is whole: not
// every server can copy, or copy on a condition, and some rules let nobody write an
// object again. Without the hash Find does not recognize the video, and it is
// stored again if the status does not have it.
func (b *Bucket) stamp(ctx context.Context, key string, size int64, metadata map[string]string) error {
	written, err := b.blob.Attributes(ctx, key)
	if err != nil {
		return err
	}
	if written.Size != size {
		return errNotAsWritten
	}
	if b.special.stamp != nil {
		err = b.special.stamp(ctx, key, written.ETag, metadata)
	} else {
		err = b.rewrite(ctx, key, metadata)
	}
	if err == nil || errors.Is(err, errNotAsWritten) || errors.Is(ctx.Err(), context.Canceled) {
		return err
	}
	return b.stillThere(ctx, key, written, metadata)
}

// stillThere checks that an object is still the one that was written, or the same
// one with its hash, if the answer to stamp was lost.
func (b *Bucket) stillThere(ctx context.Context, key string, written *blob.Attributes, metadata map[string]string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout) // the time may be over by now
	defer cancel()
	found, err := b.blob.Attributes(ctx, key)
	switch {
	case b.missing(err):
		return errNotAsWritten
	case err != nil:
		return err
	case found.Size == written.Size && (found.ETag == written.ETag || found.Metadata[metadataSHA256] == metadata[metadataSHA256]):
		return nil
	default:
		return errNotAsWritten
	}
}

// rewrite writes an object onto itself with other metadata. In doing so it checks
// the content against the hash in the metadata.
func (b *Bucket) rewrite(ctx context.Context, key string, metadata map[string]string) error {
	r, err := b.blob.NewReader(ctx, key, nil)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	stored := &source{reader: r, hash: sha256.New(), want: metadata[metadataSHA256]}
	return b.write(ctx, key, metadata, nil, stored)
}

// makeWay removes the object of another video, so that it never has the metadata
// of this one, which fileblob writes before the content. One of the same video
// stays until it is replaced: another process may have put it.
func (b *Bucket) makeWay(ctx context.Context, key string, metadata map[string]string) error {
	found, err := b.blob.Attributes(ctx, key)
	switch {
	case b.missing(err):
		return nil
	case err != nil:
		return err
	case found.Metadata[metadataTask] == metadata[metadataTask] && found.Metadata[metadataSource] == metadata[metadataSource]:
		return nil
	}
	if err := b.blob.Delete(ctx, key); !b.missing(err) {
		return err
	}
	return nil
}

// cleanUp removes what a failed write has left, except for an object, which may be
// that of another process. It is no error if that fails: the next Put or Delete does
// it too.
func (b *Bucket) cleanUp(ctx context.Context, key string) {
	if b.special.sweep == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	_ = b.special.sweep(ctx, key)
}
