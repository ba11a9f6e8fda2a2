"""An OpenAPI document read whole: its operations, references and routes."""
