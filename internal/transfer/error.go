// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transfer

// Class is the kind of cause for which a video is not stored. There are few of
// them, so that they can be the values of a label of a metric.
type Class string

// Why a video is not stored.
const (
	// LinkDead means that the host of the video answers that there is nothing at the link (any more): 401, 403,
	// 404 or 410. Another link may help.
	LinkDead Class = "LinkDead"
	// DownloadFailed means that the video could not be downloaded to its end: its host does not answer, or
	// breaks off, or is too slow.
	DownloadFailed Class = "DownloadFailed"
	// LinkRefused means that the operator does not follow the link: it leads to a private address, over plain http,
	// or around too many redirects.
	LinkRefused Class = "LinkRefused"
	// NotVideo means that what is at the link is not a complete MP4 video.
	NotVideo Class = "NotVideo"
	// TooLarge means that the video is larger than the operator stores.
	TooLarge Class = "TooLarge"
	// InvalidStorage means that the storage cannot be used as it is described: a missing key in its Secret, an
	// address that is not allowed, a folder outside of the root.
	InvalidStorage Class = "InvalidStorage"
	// BucketNotFound means that there is no such bucket, container or folder.
	BucketNotFound Class = "BucketNotFound"
	// AccessDenied means that the storage does not accept the credentials, does not allow them what is needed, or
	// has another rule by which it denies access.
	AccessDenied Class = "AccessDenied"
	// StorageFull means that there is no room left, or no quota.
	StorageFull Class = "StorageFull"
	// StorageRefused means that the storage answers that it does not take a request as it is, because of a rule of
	// the bucket, or because it cannot do what is asked.
	StorageRefused Class = "StorageRefused"
	// StorageUnavailable means that the storage does not answer, or fails.
	StorageUnavailable Class = "StorageUnavailable"
	// Interrupted means that the operator was told to stop, or that nobody wants the video any more.
	Interrupted Class = "Interrupted"
)

// StorageError is why a video is not stored.
type StorageError struct {
	Class Class
	// Message is a sentence for people: what is wrong and what to do. It holds no secret, of a URL no more than
	// the host and the path, of what a foreign host has said no more than its code, and nothing that differs from try
	// to try.
	Message string

	Cause error
}

// Error returns the message.
func (e *StorageError) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *StorageError) Unwrap() error { return e.Cause }
