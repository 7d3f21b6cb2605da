// Package deploycheck holds no code, only tests of what a user deploys: the manifests
// in deploy/istio and deploy/envoy-gateway, and the OCI image. They are read with the
// types, the schemas and the code of Istio and Envoy Gateway themselves, in the
// versions that go.mod pins, and the filter's configuration within them with Holdfast's
// own parser. What no test here can do is apply them to a cluster.
//
// "make test-deploy" builds the image and says where it is, in HOLDFAST_IMAGE.
package deploycheck
