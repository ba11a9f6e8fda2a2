"""Every rule for servers, by subject. `contract_tests.judge.registry` says what a rule is.

The rules that any run may judge are registered here, in the order in which a verdict lists them.
"""

# isort: off
from contract_tests.rules import lists as lists
from contract_tests.rules import transitions as transitions
from contract_tests.rules import single_view as single_view
from contract_tests.rules import hardware as hardware
from contract_tests.rules import cross_response as cross_response
from contract_tests.rules import answers as answers
