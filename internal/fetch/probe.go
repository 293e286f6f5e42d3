// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"fmt"

	"github.com/kie-operator/kie-operator/internal/mp4"
)

// Probe reads the facts of the MP4 video at a URL from its index, without
// fetching all of it: at most 4 MiB in at most 64 requests. It works with hosts
// that do not serve ranges, if the index is within that. The error shows the
// host and the path of the URL only.
func (f *Fetcher) Probe(ctx context.Context, address string) (mp4.VideoFacts, error) {
	ctx, cancel := context.WithTimeout(ctx, mp4.ProbeTimeout)
	defer cancel()
	u, err := parseURL(address)
	if err != nil {
		return mp4.VideoFacts{}, fmt.Errorf("probing a video: %w", err)
	}
	facts, err := mp4.Probe(&rangeReader{ctx: ctx, client: f.client, url: u, size: -1})
	if err != nil {
		return mp4.VideoFacts{}, fmt.Errorf("probing the video at %s: %w", place(u), withoutURL(err))
	}
	return facts, nil
}
