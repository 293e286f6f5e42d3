// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"fmt"
	"path"
	"strings"

	"github.com/kie-operator/kie-operator/api/v1alpha1"
)

// StoredFile is one video of a resource as it is, or is to be, stored.
type StoredFile struct {
	// URL is where KIE.AI serves it.
	URL string
	// Key is where it is stored, below the prefix.
	Key string
	// Artifact is what the status says of it, nil if it is not stored.
	Artifact *v1alpha1.Artifact
}

// folder is where the videos of a resource are stored. No other resource ever
// has the same one.
func folder(vg *v1alpha1.VideoGeneration) string {
	return path.Join(vg.Namespace, vg.Name, string(vg.UID))
}

// StoredFiles lists the videos of a resource with the names that they are stored
// under: RESOLUTION[-N].mp4, and RESOLUTION-original[-N].mp4 for the video before
// it was cropped or scaled. What is stored keeps its name.
func StoredFiles(vg *v1alpha1.VideoGeneration) []StoredFile {
	taken := map[string]bool{}
	var files []StoredFile
	var stems []string
	seen := map[string]bool{}
	add := func(url, stem string, stored *v1alpha1.Artifact) {
		if seen[url] && stored == nil {
			return // one file for each link
		}
		seen[url] = true
		file := StoredFile{URL: url, Artifact: stored}
		if stored != nil {
			name := path.Base(stored.URI)
			taken[name] = true
			file.Key = path.Join(folder(vg), name)
		}
		files, stems = append(files, file), append(stems, stem)
	}
	for i := range vg.Status.Videos {
		video := &vg.Status.Videos[i]
		stem := "video"
		if Rank(video.Resolution) > 0 {
			stem = strings.ToLower(video.Resolution)
		}
		add(video.URL, stem, video.Artifact)
		if video.OriginURL != "" && video.OriginURL != video.URL {
			add(video.OriginURL, stem+"-original", video.OriginArtifact)
		}
	}
	for i := range files {
		if files[i].Key != "" {
			continue
		}
		name := stems[i] + ".mp4"
		for n := 2; taken[name]; n++ {
			name = fmt.Sprintf("%s-%d.mp4", stems[i], n)
		}
		taken[name] = true
		files[i].Key = path.Join(folder(vg), name)
	}
	return files
}

// Unstored lists the videos that are not stored.
func Unstored(vg *v1alpha1.VideoGeneration) []StoredFile {
	var missing []StoredFile
	for _, file := range StoredFiles(vg) {
		if file.Artifact == nil {
			missing = append(missing, file)
		}
	}
	return missing
}

// IsStored reports whether a video is stored, and its original from before it was
// cropped or scaled, if there is one.
func IsStored(video *v1alpha1.Video) bool {
	return video.Artifact != nil && (video.OriginURL == "" || video.OriginURL == video.URL || video.OriginArtifact != nil)
}

// MarkStored writes into the status that the video at a URL is stored.
func MarkStored(vg *v1alpha1.VideoGeneration, url string, stored v1alpha1.Artifact) {
	for i := range vg.Status.Videos {
		video := &vg.Status.Videos[i]
		if video.URL == url && video.Artifact == nil {
			video.Artifact = stored.DeepCopy()
		}
		if video.OriginURL == url && video.OriginArtifact == nil {
			video.OriginArtifact = stored.DeepCopy()
		}
	}
}
