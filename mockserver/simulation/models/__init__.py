"""Models of the platform and of the account, and the jobs that import them.

- `record`: what is stored of an upload, and every look-up of a model by name or id
- `uploads`: the upload command
- `sources`: the rules of an upload's name and source
- `jobs`: the job that imports a model
- `events`: job.fail
"""
