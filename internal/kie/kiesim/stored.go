// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"path"
	"strings"
)

// Fetches returns the number of GETs of a video at exactly this URL, whatever the
// answer. A link of download-url and the target of a redirect are other URLs.
func (s *Simulator) Fetches(address string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.counters.fetches[addressPath(address)]
}

// FileOf returns the size in bytes and the SHA-256, in hexadecimal digits, that a
// stored copy of the video or picture at a URL, or at a link to it, has to have. They
// are those of the true file, whatever its fate is when it is fetched and whether it
// still exists. It reports false for a URL of nothing that was bought or uploaded.
func (s *Simulator) FileOf(address string) (size int64, sha256hex string, ok bool) {
	s.mu.Lock()
	f, ok := s.ledger.files[s.ledger.ownerOf(addressPath(address))]
	sum := s.ledger.sums[f.content.etag()]
	s.mu.Unlock()
	if !ok {
		return 0, "", false
	}
	if sum == "" {
		sum = f.content.sum()
		s.mu.Lock()
		s.ledger.sums[f.content.etag()] = sum
		s.mu.Unlock()
	}
	return f.content.size, sum, true
}

// ownerOf returns the path of the file that a path leads to.
func (l *ledger) ownerOf(asked string) string {
	if moved, ok := strings.CutPrefix(asked, movedFolder); ok {
		return moved
	}
	if name, ok := strings.CutPrefix(asked, linkFolder); ok {
		return l.links[strings.TrimSuffix(name, path.Ext(name))].path
	}
	return asked
}

// addressPath returns the path of a URL, empty for one that is none.
func addressPath(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

// sum returns the SHA-256 of all of it, in hexadecimal digits.
func (c content) sum() string {
	hash := sha256.New()
	// Neither a content nor a hash fails.
	_, _ = io.Copy(hash, c.reader())
	return hex.EncodeToString(hash.Sum(nil))
}
