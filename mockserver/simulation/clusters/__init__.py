"""GPU clusters, with their nodes, add-ons, alerts and remediations.

- `record`: what is stored of a cluster, and what a read sees of it
- `commands`: create, update, delete
- `validation`: the rules of a request beyond the document's schema; the terms of a cluster from a body
- `projection`: what time will do to a cluster, and the GPUs it holds or waits for
- `scaling`: the nodes and claims that a cluster gets or gives up when its terms change
- `nodes`: a node and its own timeline
- `add_ons`, `kubeconfig`: settings by name, and the file that a Kubernetes client loads
- `alerts`: health alerts, and the remediations they recommend
- `remediation_record`: what is stored of alerts and remediations; they are parts of their cluster
- `remediation_effects`: what remediations will do to the nodes of their cluster
- `events`: node.*, alert.*, cluster.*, preemptible.reclaim
"""
