package runtimes

import (
	"os"
	"syscall"
)

const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
address: 127.0.0.1
cgroupDriver: cgroupfs
cgroupRoot: /cni-shim-lab
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
contentType: application/json
nodeStatusUpdateFrequency: 1s
`

// kubelet starts a kubelet and the server that it reports to.
func (p *play) kubelet() *apiserver {
	p.Helper()
	s := p.apiserver()
	must(os.WriteFile("/etc/kubelet.yaml", []byte(kubeletConfig), 0o644))
	log, err := os.Create("/run/kubelet.log")
	must(err)
	c := p.Command("kubelet", "--config", "/etc/kubelet.yaml", "--kubeconfig", kubeconfig, "--hostname-override", "node-1")
	c.Stdout, c.Stderr = log, log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(c.Start())
	p.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return s
}

const (
	asksNode  = "node condition `Ready`"
	asksEvent = "pod event"
)

// kubelets are what a kubelet makes of it: the node's condition and the pod's events.
var kubelets = []situation{
	{
		name: "kubelet-comma", needs: "kubelet", title: "kubelet 1.37: a trailing comma in the only list", tells: []string{"10-calico.conflist:11:31", "comma", "usePodCidr"},
		play: func(p *play) {
			p.network("10-calico.conflist", comma(p.Node))
			p.start()
			s := p.kubelet()
			p.add(asksNode, s.said(p, &s.ready, "container runtime network not ready"), true)
			p.add(asksEvent, s.said(p, &s.events, "NetworkNotReady"), true)
		},
	},
	{
		name: "kubelet-add", needs: "kubelet", title: "kubelet 1.37: ADD fails", tells: []string{"calico (1/2)", "No more free addresses in: [10.60.0.0/24]", "IPAMExhausted"},
		play: func(p *play) {
			p.Plant("calico", exhausted)
			p.network("10-calico.conflist", failing("1.0.0"))
			p.start()
			s := p.kubelet()
			p.add(asksEvent, s.said(p, &s.events, "FailedCreatePodSandBox"), true)
		},
	},
}
