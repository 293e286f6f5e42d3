// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"strconv"
)

// Metadata of an object.
const (
	metadataTask     = "kie-task-id"
	metadataResource = "kie-resource"
	metadataSource   = "kie-source" // a hash of the link: whoever has the link itself may be able to fetch the video
	metadataSHA256   = "sha256"
	metadataSize     = "size"
)

// Object is a stored video.
type Object struct {
	// URI is where it is, such as s3://bucket/prefix/key.
	URI string
	// SizeBytes is its length.
	SizeBytes int64
	// SHA256 is the hash of its content in hexadecimal.
	SHA256 string
	// ContentType is its media type.
	ContentType string
}

// Video is a video to be stored.
type Video struct {
	// Key is where it goes, below the prefix of the place: default/lighthouse/<uid>/720p.mp4.
	Key string
	// TaskID is the task of KIE.AI that made it.
	TaskID string
	// Source is where it comes from: the same task may have made several.
	Source string
	// Resource is the namespace and the name of the VideoGeneration that it belongs to, with a slash in between.
	Resource string
}

// metadata is what is known of a video before it was read.
func (v Video) metadata() map[string]string {
	return map[string]string{metadataTask: v.TaskID, metadataResource: v.Resource, metadataSource: v.source()}
}

func (v Video) source() string {
	sum := sha256.Sum256([]byte(v.Source))
	return hex.EncodeToString(sum[:16])
}

// source hashes and counts what is read, and remembers why that ended early.
type source struct {
	reader io.Reader
	hash   hash.Hash
	size   int64
	err    error  // other than io.EOF
	want   string // the expected hash, or empty
}

// Read reads, and returns an error instead of io.EOF if the hash is not the expected
// one.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	_, _ = s.hash.Write(p[:n]) // never fails
	s.size += int64(n)
	if err == io.EOF && s.want != "" && s.want != s.sum() {
		err = errNotAsWritten
	}
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *source) sum() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// stamped is the metadata of a video of which all is known.
func (s *source) stamped(v Video) map[string]string {
	metadata := v.metadata()
	metadata[metadataSHA256], metadata[metadataSize] = s.sum(), strconv.FormatInt(s.size, 10)
	return metadata
}
