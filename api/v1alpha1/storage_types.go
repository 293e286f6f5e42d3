// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DeletionPolicy says what becomes of the stored videos of a VideoGeneration
// that is deleted.
// +kubebuilder:validation:Enum=Retain;Delete
type DeletionPolicy string

// What can become of stored videos.
const (
	// DeletionRetain leaves them where they are.
	DeletionRetain DeletionPolicy = "Retain"
	// DeletionDelete deletes them too.
	DeletionDelete DeletionPolicy = "Delete"
)

// Keys of the Secret that storage.credentialsSecretRef names.
const (
	// SecretKeyAccessKeyID and SecretKeySecretAccessKey are the access key of S3, or of a compatible server.
	SecretKeyAccessKeyID     = "accessKeyID"
	SecretKeySecretAccessKey = "secretAccessKey"
	// SecretKeySessionToken goes with a temporary access key. It may be missing.
	SecretKeySessionToken = "sessionToken"
	// SecretKeyServiceAccountKey is the JSON key of a service account of Google Cloud.
	SecretKeyServiceAccountKey = "serviceAccountKey"
	// SecretKeyAccountKey is an access key of an Azure storage account, SecretKeySASToken a shared access
	// signature of it or of the container. One of them is needed.
	SecretKeyAccountKey = "accountKey"
	SecretKeySASToken   = "sasToken"
)

// Storage says where finished videos are kept.
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:XValidation:rule="has(self.url) || !(has(self.endpoint) || has(self.region) || has(self.prefix) || has(self.credentialsSecretRef) || has(self.serverSideEncryption))",message="endpoint, region, prefix, credentialsSecretRef and serverSideEncryption belong to a url: add url, or remove them to use the storage of the KieAccount"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !self.url.startsWith('s3:') || has(self.region) || has(self.endpoint)",fieldPath=".region",message="s3 needs the region of the bucket, such as eu-central-1: add region, or the endpoint of an S3-compatible server"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !self.url.startsWith('azblob:') || has(self.endpoint)",fieldPath=".endpoint",message="azblob needs the address of the storage account: add endpoint, such as https://myaccount.blob.core.windows.net"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !has(self.endpoint) || self.url.startsWith('s3:') || self.url.startsWith('azblob:')",fieldPath=".endpoint",message="endpoint is used with s3 and azblob only: remove endpoint"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !has(self.region) || self.url.startsWith('s3:')",fieldPath=".region",message="region is used with s3 only: remove region"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !has(self.serverSideEncryption) || self.url.startsWith('s3:')",fieldPath=".serverSideEncryption",message="serverSideEncryption is used with s3 only: remove serverSideEncryption"
// +kubebuilder:validation:XValidation:rule="!has(self.url) || !self.url.startsWith('file:') || !has(self.credentialsSecretRef)",fieldPath=".credentialsSecretRef",message="a folder needs no credentials: remove credentialsSecretRef"
type Storage struct {
	// url is the bucket: s3://BUCKET, gs://BUCKET, azblob://CONTAINER, or on
	// a KieAccount file:///FOLDER, which has to be below the folder that the
	// operator is given with --file-storage-root.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^(s3|gs|azblob)://[a-z0-9][-a-z0-9._]{1,220}[a-z0-9]$') || (self.matches('^file:///[^?#%]+$') && !self.matches('/[.][.]?(/|$)'))",message="url must be s3://BUCKET, gs://BUCKET, azblob://CONTAINER or file:///FOLDER, with nothing after it; what goes before the names of the videos is the prefix"
	URL string `json:"url,omitempty"`

	// endpoint is the address of an S3-compatible server, or with azblob of
	// the storage account, such as https://myaccount.blob.core.windows.net.
	// Plain http and private addresses are possible only on a KieAccount in
	// the namespace of the operator.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != '' && url(self).getEscapedPath() in ['', '/'] && !self.matches('[?#@ ]')",message="endpoint must be a plain http or https address, such as https://s3.example.com, without user, path, query or fragment"
	Endpoint string `json:"endpoint,omitempty"`

	// region is the region of the bucket, with s3.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",message="region must be the name of a region, such as eu-central-1"
	Region string `json:"region,omitempty"`

	// prefix goes before the names of the videos:
	// PREFIX/NAMESPACE/NAME/UID/720p.mp4.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-A-Za-z0-9_=]([-A-Za-z0-9._=]*)(/[-A-Za-z0-9_=][-A-Za-z0-9._=]*)*$')",message="prefix must be one or more names with '/' between them, of letters, digits, '-', '_', '=' and '.', such as films/veo; a name does not begin with '.'"
	Prefix string `json:"prefix,omitempty"`

	// credentialsSecretRef names the Secret, in the same namespace, with the
	// credentials: with s3 the keys accessKeyID and secretAccessKey (and
	// sessionToken, if there is one), with gs serviceAccountKey, with azblob
	// accountKey or sasToken. Left out, the identity of the operator is used,
	// which only a KieAccount in the namespace of the operator can do.
	// +optional
	CredentialsSecretRef *SecretReference `json:"credentialsSecretRef,omitempty"`

	// serverSideEncryption has the server encrypt each video as it says
	// here, with s3. Left out, the bucket decides. It is needed where a
	// policy of the bucket denies what is written without it.
	// +optional
	ServerSideEncryption *ServerSideEncryption `json:"serverSideEncryption,omitempty"`

	// deletionPolicy is Retain, which leaves the stored videos where they
	// are when the VideoGeneration is deleted, or Delete, which deletes them
	// too. Left out, it is that of the KieAccount if the VideoGeneration
	// names no url, and else Retain.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// EncryptionAlgorithm is what an S3 server encrypts with.
// +kubebuilder:validation:Enum=AES256;aws:kms
type EncryptionAlgorithm string

// What an S3 server can encrypt with.
const (
	// EncryptionAES256 is a key that the server manages.
	EncryptionAES256 EncryptionAlgorithm = "AES256"
	// EncryptionKMS is a key of a key management service.
	EncryptionKMS EncryptionAlgorithm = "aws:kms"
)

// ServerSideEncryption is what an S3 server encrypts the videos with.
// +kubebuilder:validation:XValidation:rule="!has(self.kmsKeyID) || self.algorithm == 'aws:kms'",fieldPath=".kmsKeyID",message="kmsKeyID is used with aws:kms only: remove kmsKeyID, or set algorithm to aws:kms"
type ServerSideEncryption struct {
	// algorithm is AES256, with a key that the server manages, or aws:kms,
	// with one of a key management service.
	// +required
	Algorithm EncryptionAlgorithm `json:"algorithm,omitempty"`

	// kmsKeyID is the key that aws:kms encrypts with: its id, its alias
	// such as alias/videos, or the ARN of either. Left out, it is the one
	// of the bucket, or else that of the account at AWS.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[-A-Za-z0-9:/_]+$')",message="kmsKeyID must be the id, the alias or the ARN of a key, such as alias/videos"
	KMSKeyID string `json:"kmsKeyID,omitempty"`
}

// StorageState is how far the storing of the finished videos has come.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
type StorageState string

// The states of storing.
const (
	// StorageStoring means that a video is still to be stored. With a failure, it is tried again.
	StorageStoring StorageState = "Storing"
	// StorageStored means that all videos that there are so far are stored.
	StorageStored StorageState = "Stored"
	// StorageFailed means that a video is gone at KIE.AI and was not stored.
	StorageFailed StorageState = "Failed"
)

// StorageFailure says why a video is not stored.
type StorageFailure struct {
	// reason is the cause in one word, such as LinkDead, NotVideo,
	// BucketNotFound, AccessDenied or StorageFull.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason,omitempty"`

	// message says what is wrong and what to do.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Message string `json:"message,omitempty"`
}

// StorageProgress is how far the storing of the finished videos has come, and why
// it does not go on.
type StorageProgress struct {
	// state is Storing, Stored or Failed.
	// +required
	State StorageState `json:"state,omitempty"`

	// url is where the videos are stored: the bucket and the prefix.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// failure says why the last try did not succeed.
	// +optional
	Failure *StorageFailure `json:"failure,omitempty"`

	// completedAt is when all videos were stored, or the last one of them
	// was given up.
	// +optional
	CompletedAt *metav1.Time `json:"completedAt,omitempty"`
}

// Artifact is the stored copy of a video.
type Artifact struct {
	// uri is where it is, such as s3://BUCKET/PREFIX/NAMESPACE/NAME/UID/720p.mp4.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	URI string `json:"uri,omitempty"`

	// sizeBytes is its length in bytes.
	// +required
	// +kubebuilder:validation:Minimum=1
	SizeBytes int64 `json:"sizeBytes,omitempty"`

	// sha256 is the SHA-256 of its contents, in hexadecimal digits.
	// +required
	// +kubebuilder:validation:MinLength=64
	// +kubebuilder:validation:MaxLength=64
	SHA256 string `json:"sha256,omitempty"`

	// contentType is its media type.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	ContentType string `json:"contentType,omitempty"`

	// storedAt is when it was stored.
	// +required
	StoredAt metav1.Time `json:"storedAt,omitempty,omitzero"`
}
